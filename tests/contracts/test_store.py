"""What every store promises, on a folder and (marked s3) on a real S3-compatible server."""

import errno
import io
import os
import socket
import threading
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pixo import store as stores
from pixo.errors import ConfigError, TryAgain
from pixo.settings import Store as StoreSettings
from pixo.store import NoSuchBlob, names


class Broken(Exception):
    """What a caller raises in the middle of a blob."""


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def store(request, tmp_path):
    """Give a store of each kind, empty."""
    if request.param == "file":
        return stores.open(StoreSettings(store=f"file://{tmp_path}/blobs"))
    return stores.open(request.getfixturevalue("s3_settings"))


@pytest.fixture
def unused_tcp_port():
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def keys(store, prefix=""):
    """Give the keys under a prefix, sorted."""
    return sorted(blob.key for blob in store.list(prefix))


def write_half(store, key, data):
    """Break off in the middle of a blob."""
    with store.writer(key) as writer:
        writer.write(data)
        raise Broken


def test_put_then_get(store):
    """What was put is got, replaced whole by a second put."""
    store.put("jobs/a/x", b"one")
    store.put("jobs/a/x", memoryview(b"two and more"))

    assert store.get("jobs/a/x") == b"two and more"
    assert store.size("jobs/a/x") == 12


@pytest.mark.parametrize("failure", [None, errno.EINVAL])
def test_what_is_in_a_pipe(store, monkeypatch, failure):
    """Where blobs are files the kernel moves bytes into them, between what is written, or they are read as ever."""
    with store.writer("jobs/a/x") as writer:
        assert isinstance(writer, stores.Splicer) == (store.path("jobs/a/x") is not None)
        if not isinstance(writer, stores.Splicer):
            return
        if failure:
            monkeypatch.setattr(os, "splice", lambda *_: _raise(OSError(failure, "no")))
        out, into = os.pipe()
        writer.write(b"before ")
        os.write(into, b"in a pipe")
        writer.splice(out, 9)
        writer.write(b" after")
        os.close(into)
        os.close(out)
    assert store.get("jobs/a/x") == b"before in a pipe after"


def test_a_full_disk_takes_nothing_from_a_pipe(tmp_path, monkeypatch):
    """A disk that is full is the store's trouble, not the upload's; no blob appears."""
    store = stores.open(StoreSettings(store=f"file://{tmp_path}/blobs"))
    monkeypatch.setattr(os, "splice", lambda *_: _raise(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(TryAgain, match="No space left"), store.writer("a") as writer:
        writer.splice(0, 9)
    assert keys(store) == []


def _raise(error):
    raise error


def test_a_buffer_may_be_filled_anew(store):
    """What was written is what the buffer held then, though the caller goes on to use it for what comes next."""
    buffer = bytearray(1 << 20)
    with store.writer("jobs/a/x") as writer:
        for number in range(12):
            buffer[:] = bytes([number]) * len(buffer)
            writer.write(memoryview(buffer))

    assert store.get("jobs/a/x") == b"".join(bytes([number]) * len(buffer) for number in range(12))


def test_missing_blob(store):
    """A blob that is not there is NoSuchBlob, with its key, however it is asked for; its size is None."""
    store.put("jobs/a/x", b"one")
    for ask in (store.get, store.reader, lambda key: next(iter(store.chunks(key)))):
        with pytest.raises(NoSuchBlob) as caught:
            ask("jobs/a/y")
        assert caught.value.key == "jobs/a/y"
    assert store.size("jobs/a/y") is None
    assert store.size("jobs/a") is None


def test_empty_blob(store):
    """An empty blob is a blob."""
    with store.writer("jobs/a/empty"):
        pass

    assert store.get("jobs/a/empty") == b""
    assert list(store.chunks("jobs/a/empty")) == []
    with store.reader("jobs/a/empty") as file:
        assert file.read() == b""


def test_delete(store):
    """Deleted blobs are gone, missing ones are fine, others stay."""
    store.put("jobs/a/x", b"1")
    store.put("jobs/a/y", b"2")
    store.delete("jobs/a/x", "jobs/a/never")
    store.delete()
    store.delete("jobs/a/never")

    assert keys(store) == ["jobs/a/y"]


def test_delete_prefix(store):
    """A prefix goes with all that is under it; a job whose name only begins alike stays."""
    for name in (names.source("a"), names.tile("a", 3, "t"), names.job_record("a"), names.source("ab")):
        store.put(name, b"1")

    assert store.delete_prefix(names.prefix("a")) == 3
    assert store.delete_prefix(names.prefix("a")) == 0
    assert [names.source("ab")] == keys(store)


def test_list(store):
    """A listing has every blob's key and size, and a time near now."""
    assert keys(store, "jobs/") == []
    store.put(names.tile("a", 0, "t"), b"12345")
    store.put(names.source("b"), b"1")

    assert [names.source("b"), names.tile("a", 0, "t")] == sorted(keys(store, "jobs/"), reverse=True)
    (blob,) = store.list(names.prefix("a"))
    assert blob.size == 5
    assert blob.modified > 1_700_000_000


@pytest.mark.parametrize("size", [0, 10, 9 << 20, 20 << 20])
def test_writer_whole(store, size):
    """A streamed blob appears when the block ends, not before, in the order written."""
    piece = bytes(range(256)) * 4096
    with store.writer("jobs/a/big") as writer:
        for start in range(0, size, len(piece)):
            writer.write(piece[: size - start])
        assert store.size("jobs/a/big") is None
        assert keys(store) == []

    assert size == store.size("jobs/a/big")
    assert b"".join(store.chunks("jobs/a/big")) == (piece * 21)[:size]


@pytest.mark.parametrize("size", [0, 10, 20 << 20])
def test_writer_not_at_all(store, size):
    """When the block raises there is no blob, the error passes, and what was there before stays."""
    store.put("jobs/a/old", b"old")
    for key in ("jobs/a/new", "jobs/a/old"):
        with pytest.raises(Broken):
            write_half(store, key, bytes(size))

    assert keys(store) == ["jobs/a/old"]
    assert store.get("jobs/a/old") == b"old"


def test_put_is_atomic(store):
    """Whoever reads while a blob is replaced sees one version whole."""
    versions = {bytes([n]) * 200_000 for n in range(8)}
    store.put("jobs/a/x", min(versions))
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(store.get("jobs/a/x"))

    thread = threading.Thread(target=read)
    thread.start()
    for version in sorted(versions) * 5:
        store.put("jobs/a/x", version)
    stop.set()
    thread.join()

    assert seen <= versions


def test_reader_seeks(store):
    """A reader is a seekable binary file."""
    data = bytes(range(256)) * 3000
    store.put("jobs/a/x", data)
    with store.reader("jobs/a/x") as file:
        assert data[:10] == file.read(10)
        assert len(data) - 5 == file.seek(-5, io.SEEK_END)
        assert data[-5:] == file.read()
        assert file.read(1) == b""
        assert file.seek(300_000) == 300_000
        assert data[300_000:700_000] == file.read(400_000)
        assert file.tell() == 700_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 30), end=st.none() | st.integers(0, 40), size=st.integers(1, 12))
def test_chunks(store, start, end, size):
    """Chunks are the slice of the blob, none larger than asked, none empty."""
    data = bytes(range(27))
    store.put("jobs/a/x", data)
    chunks = list(store.chunks("jobs/a/x", start, end, size))

    assert data[start:end] == b"".join(chunks)
    assert all(0 < len(chunk) <= size for chunk in chunks)


def test_ping(store):
    """A store that can be reached says nothing."""
    store.ping()


def test_file_path(tmp_path):
    """Where blobs are files, path gives the file itself."""
    store = stores.open(StoreSettings(store=f"file://{tmp_path}"))
    store.put(names.source("a"), b"bytes")

    assert store.path(names.source("a")).read_bytes() == b"bytes"
    assert not store.path(names.source("b")).exists()


@pytest.mark.parametrize("key", ["../x", "jobs/../../x", "/etc/passwd", "jobs//x", "", "jobs/.hidden"])
def test_file_keys_stay_inside(tmp_path, key):
    """A key never leads out of the folder."""
    store = stores.open(StoreSettings(store=f"file://{tmp_path}/blobs"))
    with pytest.raises(ValueError, match="is no key"):
        store.put(key, b"1")


def test_file_out_of_reach(tmp_path):
    """A folder that cannot be one is TryAgain of the part store."""
    (tmp_path / "file").write_bytes(b"")
    store = stores.open(StoreSettings(store=f"file://{tmp_path}/file/below"))
    for ask in (store.ping, lambda: store.put("jobs/a/x", b"1")):
        with pytest.raises(TryAgain) as caught:
            ask()
        assert caught.value.part == "store"


def test_bucket_out_of_reach(unused_tcp_port):
    """A bucket whose server is down is TryAgain of the part store, for every call."""
    endpoint = f"http://127.0.0.1:{unused_tcp_port}"
    store = stores.open(
        StoreSettings(store="s3://bucket", store_endpoint=endpoint, store_access_key="k", store_secret_key=token_hex(4))
    )
    for ask in (
        store.ping,
        lambda: store.put("jobs/a/x", b"1"),
        lambda: store.get("jobs/a/x"),
        lambda: store.size("jobs/a/x"),
    ):
        with pytest.raises(TryAgain) as caught:
            ask()
        assert caught.value.part == "store"


@pytest.mark.s3
def test_bucket_missing(s3_settings):
    """A bucket that does not exist is TryAgain, not a missing blob, when it is pinged or written to."""
    store = stores.open(replace(s3_settings, store="s3://nowhere"))
    for ask in (store.ping, lambda: store.put("jobs/a/x", b"1")):
        with pytest.raises(TryAgain):
            ask()


@pytest.mark.parametrize("url", ["file://relative/path", "ftp://host/x", "nonsense://x"])
def test_unknown_url(url):
    """A URL of no known kind is a ConfigError that names the setting."""
    with pytest.raises(ConfigError, match="PIXO_STORE"):
        stores.open(StoreSettings(store=url))
