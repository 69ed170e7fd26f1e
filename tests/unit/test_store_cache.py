"""Files that have served leave the machine's memory, the oldest first."""

from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from pixo.store import cache, names
from pixo.store.cache import Cache, advise
from pixo.store.files import FileStore

SIZE = 100_000
PATIENCE = 10.0


@pytest.fixture
def advised(monkeypatch):
    """Let two files of this size stay in each row; give a cache, and the files that the kernel hears of."""
    monkeypatch.setattr(cache, "KEPT", 2 * SIZE)
    heard = SimpleQueue()
    return Cache(heard.put), heard


def released(files, folder, numbers):
    """Release so many files, each there."""
    for number in numbers:
        path = folder / str(number)
        path.write_bytes(bytes(SIZE))
        files.release(path)


def heard(told, count):
    """Return the names of so many files that the kernel heard of, in order."""
    return [Path(told.get(timeout=PATIENCE)).name for _ in range(count)]


def test_what_served_is_sent_to_the_disk_and_then_forgotten(advised, tmp_path):
    """The newest two stay as they are; the two before are told once, to be written, and older ones twice."""
    files, told = advised
    released(files, tmp_path, range(6))
    assert heard(told, 6) == ["0", "1", "2", "0", "3", "1"]
    with pytest.raises(Empty):
        told.get(timeout=0.05)


def test_a_single_file_stays_however_large(advised, tmp_path):
    """A large scan is not taken from under its own download: only the next one moves it on."""
    files, told = advised
    for name in ("a", "b"):
        path = tmp_path / name
        path.write_bytes(bytes(5 * SIZE))
        files.release(path)
    assert heard(told, 1) == ["a"]
    with pytest.raises(Empty):
        told.get(timeout=0.05)


def test_a_file_that_is_gone_holds_up_nothing(tmp_path, monkeypatch):
    """A job is deleted before its files' turn, or between the two: the others go on."""
    monkeypatch.setattr(cache, "KEPT", 2 * SIZE)
    told = SimpleQueue()

    def once(path):
        told.put(path)
        path.unlink()

    files = Cache(lambda path: once(path) if path.name == "0" else told.put(path))
    files.release(tmp_path / "never")
    released(files, tmp_path, range(6))
    assert heard(told, 5) == ["0", "1", "2", "3", "1"]


def test_small_files_count_as_more_than_their_bytes(advised, tmp_path):
    """Otherwise a row would hold millions of them."""
    files, told = advised
    for number in range(5):
        path = tmp_path / str(number)
        path.touch()
        files.release(path)
    assert heard(told, 2) == ["0", "1"]


def test_a_process_that_may_have_no_more_threads_goes_on(advised, tmp_path, monkeypatch):
    """What is only a hint ends no job's end; it is heard again when there may be one more."""

    def refused(_thread):
        raise RuntimeError("can't start new thread")

    files, told = advised
    with monkeypatch.context() as patch:
        patch.setattr(cache.threading.Thread, "start", refused)
        released(files, tmp_path, [0])
    released(files, tmp_path, [1, 2, 3])
    assert heard(told, 1) == ["1"]


def test_advice_changes_nothing_that_is_read(tmp_path):
    """Told of any number of times, a blob is what it was."""
    store, data = FileStore(tmp_path), bytes(range(256)) * 4096
    store.put(names.source("a"), data)
    for _ in range(2):
        advise(store.path(names.source("a")))
    store.release(names.source("a"), names.source("not there"))
    assert store.get(names.source("a")) == data
