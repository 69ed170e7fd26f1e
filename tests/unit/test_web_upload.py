"""Uploads taken apart: forms cut anywhere, files streamed and never kept."""

import errno
import fcntl
import os
import socket
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import IterUnreader
from hypothesis import given
from hypothesis import strategies as st

from pixo.errors import Refusal
from pixo.store.files import FileStore
from services.web import intake, multipart, patience, upload

BOUNDARY = b"----WebKitFormBoundaryX7s9"
awkward = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"\r\n--", BOUNDARY, b"--" + BOUNDARY[:-1], b"\0", b"x"]),
    max_size=30,
).map(b"".join)
contents = (st.binary(max_size=300) | awkward).filter(lambda data: b"--" + BOUNDARY not in data)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\'), min_size=1, max_size=20
)


def form(parts):
    """Give the body of a form; parts are (name, file name or None, bytes)."""
    body = b""
    for name, filename, data in parts:
        extra = b"" if filename is None else b'; filename="' + filename.encode() + b'"\r\nContent-Type: image/png'
        head = b'Content-Disposition: form-data; name="' + name.encode() + b'"' + extra
        body += b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"
    return body + b"--" + BOUNDARY + b"--\r\n"


def cut(body, places):
    """Cut a body at these places."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


@given(
    fields=st.dictionaries(names, st.text(st.characters(codec="utf-8"), max_size=40), max_size=4),
    data=contents,
    at=st.integers(0, 4),
    places=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_a_form_cut_anywhere(fields, data, at, places):
    """Wherever the pieces of a form end, its fields and its file are the same, in any order of the two."""
    fields = {name: text for name, text in fields.items() if ("--" + BOUNDARY.decode()) not in text}
    parts = [(name, None, text.encode()) for name, text in fields.items()]
    parts.insert(at, ("image", "a.png", data))
    files = []

    def store_file(part, pieces):
        files.append((part.name, part.filename, b"".join(pieces)))

    found = multipart.collect(multipart.parse(BOUNDARY, cut(form(parts), places)), store_file)

    assert found == fields
    assert files == [("image", "a.png", data)]


@pytest.mark.parametrize(
    "data", [b"", b"plain", b"\r", b"\r\n", b"a\r\n--", b"\n--" + BOUNDARY[:-1], b"--" + BOUNDARY + b"x"]
)
def test_a_form_cut_everywhere(data):
    """Cut once, at each place in turn, a form says the same: the place just behind a boundary is like any other."""
    body = form([("image", "a.png", data), ("filters", None, b"blur")])
    for place in range(len(body)):
        files = []
        pieces = [body[:place], body[place:]]
        fields = multipart.collect(
            multipart.parse(BOUNDARY, pieces),
            lambda _, body: files.append(b"".join(body)),  # noqa: B023
        )
        assert (files, fields) == ([data], {"filters": "blur"}), place


@pytest.mark.parametrize("body", [b"x", b"--" + BOUNDARY + b"\r\nA: x", b"--" + BOUNDARY + b"--\r\n"])
def test_endless_nothing(body):
    """Before, between and behind the parts little is kept, however much comes."""
    with pytest.raises(Refusal) as caught:
        multipart.collect(multipart.parse(BOUNDARY, [body, *[bytes(1 << 15)] * 40]), lambda *_: None)
    assert caught.value.kind == "bad-multipart"


@given(data=contents, length=st.integers(0, 10_000), places=st.lists(st.integers(0, 10_000), max_size=5))
def test_a_form_that_ends_early(data, length, places):
    """However early a form ends, it is refused."""
    body = form([("image", "a.png", data), ("filters", None, b"blur")])
    short = body[: length % (len(body) - 4)]
    with pytest.raises(Refusal) as caught:
        multipart.collect(multipart.parse(BOUNDARY, cut(short, places)), lambda _, pieces: list(pieces))
    assert caught.value.kind == "bad-multipart"


@given(body=st.binary(max_size=400) | awkward)
def test_nonsense_is_no_form(body):
    """What is no form is refused or has no parts; nothing else happens."""
    found, refusal = {}, None
    try:
        found = multipart.collect(multipart.parse(BOUNDARY, [body]), lambda _, pieces: list(pieces))
    except Refusal as error:
        refusal = error.kind

    assert found == {}
    assert refusal in (None, "bad-multipart", "bad-field")


@pytest.mark.parametrize(("raw", "name"), [("é".encode(), "é"), (b"\xe9", "é"), (b"\xff\x80", "ÿ\x80")])
def test_names_that_are_not_utf8(raw, name):
    """A file from a program or a disk that is older than UTF-8 is taken, with a name of its own letters."""
    body = form([("image", "name", b"x")]).replace(b'"name"', b'"caf' + raw + b'.jpg"')
    assert list(multipart.parse(BOUNDARY, [body])) == [multipart.Part("image", f"caf{name}.jpg"), b"x"]


def test_pieces_are_passed_on_as_they_come():
    """No piece of a file is held back but for what may be the beginning of a boundary."""
    head, data = form([("image", "a.png", b"")]).partition(b"\r\n\r\n")[0] + b"\r\n\r\n", bytes(1 << 20)
    held, seen = [], 0

    def chunks():
        yield head
        for number in range(1, 9):
            yield data
            held.append(number * len(data) - seen)
        yield b"\r\n--" + BOUNDARY + b"--"

    for item in multipart.parse(BOUNDARY, chunks()):
        seen += len(item) if isinstance(item, bytes) else 0

    assert len(held) == 8
    assert max(held) <= len(BOUNDARY) + 8


def test_a_store_that_stops_reading():
    """A file that its taker leaves unread does not spill into the fields."""
    body = form([("image", "a.png", b"x" * 5000), ("filters", None, b"blur")])
    fields = multipart.collect(multipart.parse(BOUNDARY, cut(body, [100, 2000, 3000])), lambda *_: None)

    assert fields == {"filters": "blur"}


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([("filters", None, b"a"), ("filters", None, b"b")], "repeated-field"),
        ([("filters", None, b"\xff\xfe")], "bad-field"),
        ([("filters", None, b"a" * 70_000)], "bad-field"),
        ([("", None, b"a")], "bad-multipart"),
        ([(f"f{n}", None, b"a") for n in range(40)], "bad-multipart"),
    ],
)
def test_bad_forms(parts, kind):
    """Fields that say nothing clear, or too much, are refused."""
    with pytest.raises(Refusal) as caught:
        multipart.collect(multipart.parse(BOUNDARY, [form(parts)]), lambda *_: None)
    assert caught.value.kind == kind


class Store:
    """Takes one blob, whole or not at all."""

    def __init__(self):
        self.blob = None
        self.largest = 0

    @contextmanager
    def writer(self):
        """Collect what is written; keep it when the block ends well."""
        file = BytesIO()

        def write(data):
            self.largest = max(self.largest, len(data))
            return file.write(data)

        yield type("Writer", (), {"write": staticmethod(write)})
        self.blob = file.getvalue()


@given(size=st.integers(0, 3000), limit=st.integers(1, 3000), as_form=st.booleans())
def test_the_limit_holds_to_the_byte(size, limit, as_form):
    """An image of as many bytes as are taken is taken, one more is refused with both figures."""
    store, data = Store(), b"i" * size
    body = form([("image", "a.png", data)]) if as_form else data
    environ = {
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY.decode()}" if as_form else "image/png",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    if size <= limit:
        received = upload.receive(environ, store.writer, limit, query={})
        assert (received.size, store.blob) == (size, data)
    else:
        with pytest.raises(Refusal) as caught:
            upload.receive(environ, store.writer, limit, query={})
        assert (caught.value.kind, caught.value.limit) == ("too-many-bytes", limit)
        assert store.blob is None


def test_large_uploads_come_in_pieces():
    """An upload is never held whole."""
    store, data = Store(), bytes(5 << 20)
    environ = {"CONTENT_TYPE": "image/png", "CONTENT_LENGTH": str(len(data)), "wsgi.input": BytesIO(data)}
    upload.receive(environ, store.writer, 1 << 30, query={})

    assert store.blob == data
    assert store.largest <= 1 << 20


@given(st.text(max_size=400))
def test_any_file_name_is_made_harmless(name):
    """A cleaned name has no folder, prints, is bounded in length, and stays the same when cleaned again."""
    clean = upload.clean(name)

    assert not set(clean) & set("/\\\0\r\n")
    assert clean.isprintable()
    assert len(clean) <= upload.LONGEST_NAME
    assert clean not in (".", "..")
    assert upload.clean(clean) == clean


@pytest.fixture
def connection():
    """Give both ends of a connection; nothing is waited for longer than a moment at the server's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        patience.Connection.over(server.accept()[0]) as ours,
    ):
        ours.settimeout(0.05)
        yield client, ours


def arriving(ours, length, had=b""):
    """Give the environment of a request with a body of such a length, of which the server has read some already."""
    unreader = IterUnreader([])
    unreader.unread(had)
    return {
        "CONTENT_TYPE": "image/png",
        "CONTENT_LENGTH": str(length),
        "wsgi.input": Body(LengthReader(unreader, length)),
        "gunicorn.socket": ours,
    }


@pytest.mark.parametrize("digest", [False, True])
def test_an_upload_that_the_kernel_moves(connection, tmp_path, monkeypatch, digest):
    """A body goes from its connection into a file unseen, what the server had of it first; seen where a digest is."""
    client, ours = connection
    seen = []
    monkeypatch.setattr(intake, "_received", lambda *given, _real=intake._received: seen.append(1) or _real(*given))
    store, data = FileStore(tmp_path), bytes(range(256)) * 300
    environ = arriving(ours, len(data), had=data[:1000])
    client.sendall(data[1000:] + b"GET / HTTP/1.1")
    received = upload.receive(environ, lambda: store.writer("a"), 10**6, query={}, digest=digest)

    assert (store.get("a"), received.size, bool(received.digest)) == (data, len(data), digest)
    assert bool(seen) is digest
    assert ours.recv(100) == b"GET / HTTP/1.1"


@pytest.mark.parametrize("cause", ["urgent", "no pipe", "short pipe", "no splice"])
def test_an_upload_that_the_kernel_cannot_move(connection, tmp_path, monkeypatch, cause):
    """What the kernel cannot move, or has no pipe for, is received as any other, and urgent data skipped."""
    client, ours = connection
    failing = {"no pipe": (os, "pipe"), "short pipe": (fcntl, "fcntl"), "no splice": (os, "splice")}
    if cause in failing:
        error = OSError(errno.EPERM, "no")
        monkeypatch.setattr(*failing[cause], lambda *_: (_ for _ in ()).throw(error))
    store, data = FileStore(tmp_path), bytes(range(256)) * 10
    client.sendall(data[:1000])
    if cause == "urgent":
        client.send(b"!", socket.MSG_OOB)
    client.sendall(data[1000:])
    received = upload.receive(arriving(ours, len(data)), lambda: store.writer("a"), 10**6, query={})
    assert (store.get("a"), received.size) == (data, len(data))


@pytest.mark.parametrize(("end", "kind"), [(True, "cut-off-upload"), (False, "slow-upload")])
def test_an_upload_that_the_kernel_waits_for(connection, tmp_path, end, kind):
    """A connection that ends early, or stands still, is refused as any other, and nothing is left."""
    client, ours = connection
    client.sendall(b"x" * 500)
    if end:
        client.shutdown(socket.SHUT_WR)
    store = FileStore(tmp_path)
    with pytest.raises(Refusal) as caught:
        upload.receive(arriving(ours, 1000), lambda: store.writer("a"), 10**6, query={})
    assert (caught.value.kind, caught.value.measured) == (kind, 500)
    assert not list(store.list(""))


def test_too_much_for_the_kernel_to_move(connection, tmp_path):
    """The limit holds for a body that is not seen, when its declared length passes for less."""
    client, ours = connection
    client.sendall(b"x" * 1000)
    environ = arriving(ours, 1000) | {"CONTENT_LENGTH": "10"}
    store = FileStore(tmp_path)
    with pytest.raises(Refusal) as caught:
        upload.receive(environ, lambda: store.writer("a"), 100, query={})
    assert caught.value.kind == "too-many-bytes"
    assert not list(store.list(""))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"10\r\nabc", "cut-off-upload"),
        (b"10", "cut-off-upload"),
        (b"zz\r\nabc\r\n", "bad-chunks"),
        (b"3\r\nabcXX", "bad-chunks"),
    ],
)
def test_chunks_that_are_none(body, kind):
    """What the server's parser raises of a chunked upload is the sender's fault, and is told so."""
    reader = ChunkedReader(SimpleNamespace(cfg=Config()), IterUnreader([body]))
    environ = {"wsgi.input": Body(reader), "wsgi.input_terminated": True, "gunicorn.socket": object()}
    with pytest.raises(Refusal) as caught:
        list(intake.read(environ))
    assert caught.value.kind == kind


def test_an_upload_that_crawls_is_given_up():
    """A byte now and then keeps no thread for long: after a minute there is a least pace, on average."""
    now = iter([0.0, 59.0, 61.0, 100.0])
    pieces = SimpleNamespace(read=lambda _: b"x" * 1000)
    got = intake.read({"wsgi.input_terminated": True, "wsgi.input": pieces}, clock=lambda: next(now))

    assert len(next(got)) == 1000
    with pytest.raises(Refusal, match="too slow: 2000 bytes in 61 s") as caught:
        next(got)
    assert (caught.value.kind, caught.value.measured, caught.value.limit) == ("slow-upload", 33, intake.SLOWEST)
