"""The server itself: whether it answers, its clock, and when its writes are safe on disk."""

from redis.exceptions import ResponseError

from pixo import logs
from pixo.state import keys
from pixo.state.connection import Client, reaching

log = logs.logger(__name__)

FSYNC_WAIT_MS = 500


class Server:
    """One server behind a pool of connections."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._warned = False

    def ping(self) -> None:
        """Return if the server answers, else raise TryAgain."""
        with reaching():
            self._client.ping()

    def now_ms(self) -> int:
        """Give the server's time in ms, the clock that the scripts use."""
        with reaching():
            seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def first_sight(self) -> bool:
        """Tell whether nobody has asked this before: the server is new, or has lost its memory."""
        with reaching():
            return bool(self._client.set(keys.SEEN, 1, nx=True))

    def waitaof(self) -> bool:
        """Wait until all writes so far are on the server's disk, half a second at most; tell whether they are.

        A server without an append-only file cannot promise that: it is logged once, and work goes on.
        """
        # WAITAOF speaks of the writes of its own connection only, and the pool may give another one than the
        # script had. So a write of our own goes first; whatever came before it is then on disk as well.
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.FSYNC, 1)
        pipeline.execute_command("WAITAOF", 1, 0, FSYNC_WAIT_MS)
        with reaching():
            written, synced = pipeline.execute(raise_on_error=False)
            if isinstance(written, ResponseError):
                raise written
        if isinstance(synced, list) and synced[0] >= 1:
            return True
        if not self._warned:
            self._warned = True
            log.warning(
                "redis cannot promise that writes are on disk; a power loss may undo the last second", answer=synced
            )
        return False

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
