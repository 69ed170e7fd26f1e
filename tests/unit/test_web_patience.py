"""Slow readers: given up when nothing moves, and only then."""

import socket
import threading
from contextlib import ExitStack

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn, ThreadWorker

from services.web import gunicorn_worker, patience

STILL = 1.5
PACE = 0.04
"""Seconds that a slow reader lets pass before it takes more: in all, several times as many as may pass in silence."""
PIECE = 1 << 14
SIZE = 100 * PIECE


@pytest.fixture
def ends():
    """Give the two ends of a connection, as the server and the reader hold them."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SIZE // 3)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        reader = stack.enter_context(socket.socket())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * PIECE)
        reader.connect(listener.getsockname())
        sender = stack.enter_context(patience.Connection.over(listener.accept()[0]))
        sender.settimeout(STILL)
        yield sender, reader


def send(how, sender, data, folder):
    """Send the data, as bytes or as a file; give how many bytes that were."""
    if how == "bytes":
        sender.sendall(data)
        return len(data)
    path = folder / "file"
    path.write_bytes(bytes(7) + data + bytes(7))
    with path.open("rb") as file:
        return sender.sendfile(file, 7, len(data))


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_slow_and_steady(ends, tmp_path, how):
    """Who takes a little all the time gets everything, though it takes several times as long."""
    sender, reader = ends
    data = bytes(range(256)) * (SIZE // 256)
    got = bytearray()

    def read():
        pace = threading.Event()
        while len(got) < SIZE and (piece := reader.recv(min(PIECE, SIZE - len(got)))):
            got.extend(piece)
            pace.wait(PACE)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        sent = send(how, sender, data, tmp_path)
    finally:
        sender.shutdown(socket.SHUT_WR)
        thread.join()

    assert sent == SIZE
    assert got == data


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_still(ends, tmp_path, how):
    """Who takes nothing is given up, as if it had gone, and nothing more is waited for: not its farewell either."""
    sender, reader = ends
    with pytest.raises(BrokenPipeError):
        send(how, sender, bytes(8 * SIZE), tmp_path)
    sender.settimeout(None)
    assert sender.recv(1) == b""
    sender.close()
    with pytest.raises(ConnectionResetError):
        b"".join(iter(lambda: reader.recv(SIZE), b""))


def test_closed_twice(ends):
    """The thread that served a connection ends it, and then gunicorn's own does so again."""
    connection = TConn(Config(), ends[0], ("127.0.0.1", 1), ("127.0.0.1", 2))
    ends[1].close()
    connection.close(graceful=True)
    connection.close(graceful=True)
    assert ends[0].fileno() < 0


def test_every_connection_is_one(ends, monkeypatch):
    """What a thread is given is a connection of this kind, the same each time."""
    plain = socket.socket(fileno=ends[0].detach())
    given = []
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda _, conn: given.append(conn.sock))
    worker = object.__new__(gunicorn_worker.Worker)
    conn = TConn(Config(), plain, None, None)
    conn.data_ready = True
    worker.enqueue_req(conn)
    worker.enqueue_req(conn)
    conn.close()

    assert isinstance(given[0], patience.Connection)
    assert given[0] is given[1]
