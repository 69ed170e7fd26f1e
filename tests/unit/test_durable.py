"""Durable scripts over a server that answers as no healthy one does."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from pixo.errors import TryAgain
from pixo.settings import Redis
from pixo.state import connection, durable

Answer = Callable[[bytes], bytes]


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[str]:
    """Give the address of a server that answers so."""

    def serve(found: socket.socket) -> None:
        with found, contextlib.suppress(OSError):
            while data := found.recv(65536):
                found.sendall(answer(data))

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, daemon=True).start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        listening.shutdown(socket.SHUT_RDWR)


def basic(data: bytes) -> bytes:
    """Answer what every client asks."""
    if b"CLIENT" in data:
        return b"+OK\r\n" * data.count(b"CLIENT")
    return b":1\r\n" if b"EVAL" in data else b"$5\r\nvalue\r\n"


def test_waiting_for_a_disk_that_vanished_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose server is gone without a word is given up, though a new server answers on others."""
    monkeypatch.setattr(durable, "PATIENCE_MS", 20)
    monkeypatch.setattr(durable, "GRACE", 0.05)
    answers: dict[bytes, bytes] = {b"WAITAOF": b"", b"PING": b"+PONG\r\n"}

    def answer(data: bytes) -> bytes:
        return next((said for word, said in answers.items() if word in data), None) or basic(data)

    def quiet(data: bytes) -> bytes:
        return b"" if b"WAITAOF" in data else answer(data)

    with server(quiet) as url, pytest.raises(TryAgain, match="WAITAOF"):
        durable.Durable(connection.connect(Redis(redis=url), patient=False)).script("return 1", ["k"], [])


def test_an_answer_under_way_is_nobody_elses() -> None:
    """A connection that was left before its last answer came does not give it to the next call."""
    refused = threading.Event()

    def answer(data: bytes) -> bytes:
        if b"WAITAOF" in data:
            refused.wait(10)
            return b"*2\r\n:0\r\n:0\r\n"
        if b"PING" in data:
            return b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
        return basic(data)

    with server(answer) as url:
        client = connection.connect(Redis(redis=url), patient=False)
        with pytest.raises(TryAgain, match="takes no writes"):
            durable.Durable(client).script("return 1", ["k"], [])
        refused.set()
        assert client.get("x") == b"value"
