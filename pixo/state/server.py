"""The server itself: whether it answers, its clock, and when its writes are safe on disk."""

from pixo.state.connection import Client, reaching
from pixo.state.durable import Durable


class Server:
    """One server behind a pool of connections."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._durable = Durable(client)

    def ping(self) -> None:
        """Return if the server answers, else raise TryAgain."""
        with reaching():
            self._client.ping()

    def now_ms(self) -> int:
        """Give the server's time in ms, the clock that the scripts use."""
        with reaching():
            seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def waitaof(self) -> bool:
        """Wait until all writes so far are on the server's disk, half a second at most; tell whether they are.

        A server without an append-only file cannot promise that: it is logged once, and work goes on. What a client is
        promised (``create``, ``cancel``, ``retry``, ``delete``) and ``finish_join`` need no call of this: they are on
        disk when they return.
        """
        return self._durable.everything()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
