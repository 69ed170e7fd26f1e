"""The server itself: whether it answers, and its clock."""

from redis.exceptions import ResponseError

from pixo.state.connection import Client, reaching


class Server:
    """One server behind a pool of connections."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ping(self) -> None:
        """Return if the server answers, else raise TryAgain."""
        with reaching():
            self._client.ping()

    def now_ms(self) -> int:
        """Return the server's time in ms, the clock that the scripts use."""
        with reaching():
            seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def memory(self) -> tuple[int, int]:
        """Return the bytes that the server uses and may use, 0 for what it does not limit or tell."""
        with reaching():
            try:
                told = self._client.info("memory")
            except ResponseError:  # a managed one may forbid it
                return 0, 0
        return int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
