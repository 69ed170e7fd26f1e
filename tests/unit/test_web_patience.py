"""Slow readers: given up when nothing moves, or next to nothing, and only then."""

import socket
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn, ThreadWorker

from services.web import heads, patience

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


@pytest.fixture
def slow(ends):
    """Give the bytes that a slow reader at the other end gets, once the sender is shut down."""
    _, reader = ends
    got, pace = bytearray(), threading.Event()

    def read():
        while piece := reader.recv(PIECE):
            got.extend(piece)
            pace.wait(PACE)

    thread = threading.Thread(target=read)
    thread.start()
    yield got, thread
    pace.set()
    ends[0].close()
    thread.join()


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_slow_and_steady(ends, slow, tmp_path, monkeypatch, how):
    """Who takes a little all the time gets everything, though it takes several times as long."""
    monkeypatch.setattr(patience, "START", STILL / 2)
    monkeypatch.setattr(patience, "SLOWEST", SIZE / 100)
    sender, _ = ends
    got, thread = slow
    data = bytes(range(256)) * (SIZE // 256)

    sent = send(how, sender, data, tmp_path)
    sender.shutdown(socket.SHUT_WR)
    thread.join()

    assert sent == SIZE
    assert got == data


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_crawling(ends, slow, tmp_path, monkeypatch, how):
    """Who takes less than the least pace is given up, though it never stands still."""
    monkeypatch.setattr(patience, "START", STILL / 5)
    monkeypatch.setattr(patience, "SLOWEST", 10 * PIECE / PACE)
    with pytest.raises(BrokenPipeError, match="too slowly"):
        send(how, ends[0], bytes(SIZE), tmp_path)


def test_each_answer_has_a_pace_of_its_own(ends):
    """What an answer before took on a connection that is kept, is not held against the next one."""
    sender, _ = ends
    sender.sent, sender.waited = 100, 1000.0
    app = Flask("app")
    patience.install(app)
    app.test_client().get("/", environ_overrides={"gunicorn.socket": sender})

    assert (sender.sent, sender.waited, sender.gettimeout()) == (0, 0.0, patience.STILL)


def test_a_file_that_has_become_shorter(ends, tmp_path):
    """It ends the answer, instead of being read for ever."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    sizes = iter([100, 0])
    with path.open("r+b") as file:
        shrinking = SimpleNamespace(fileno=lambda: (file.truncate(next(sizes)), file.fileno())[1])
        with pytest.raises(OSError, match="shorter"):
            ends[0].sendfile(shrinking)


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_still(ends, tmp_path, how):
    """Who takes nothing is given up, as if it had gone."""
    sender, _ = ends
    with pytest.raises(BrokenPipeError):
        send(how, sender, bytes(8 * SIZE), tmp_path)


def test_every_connection_is_one(ends, monkeypatch):
    """What a thread is given is a connection of this kind, the same each time."""
    plain = socket.socket(fileno=ends[0].detach())
    given = []
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda _, conn: given.append(conn.sock))
    worker = object.__new__(heads.Worker)
    conn = TConn(Config(), plain, None, None)
    worker.enqueue_req(conn)
    worker.enqueue_req(conn)
    conn.close()

    assert isinstance(given[0], patience.Connection)
    assert given[0] is given[1]
