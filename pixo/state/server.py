"""The server itself: whether it answers, and its clock."""

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
        """Give the server's time in ms, the clock that the scripts use."""
        with reaching():
            seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
