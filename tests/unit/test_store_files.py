"""What only files can do."""

import errno
import shutil
from pathlib import Path

import pytest

from pixo.errors import TryAgain
from pixo.store import names
from pixo.store.files import FileStore


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), OSError(errno.ENOTEMPTY, "Directory not empty")])
def test_a_prefix_goes_although_others_are_at_it_too(error, tmp_path, monkeypatch):
    """Clearing a folder ends where a file is gone before its turn, in some versions of Python, or was added."""
    store, remove, turns = FileStore(tmp_path), shutil.rmtree, []
    store.put(names.source("a"), b"1")

    def interrupted(folder):
        turns.append(folder)
        if len(turns) == 1:
            raise error
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", interrupted)

    assert store.delete_prefix(names.prefix("a")) == 1
    assert store.size(names.source("a")) is None


def test_only_blobs_are_listed(tmp_path):
    """Desktops and NFS leave files with a dot before their names: what is listed can be asked for and removed."""
    store = FileStore(tmp_path)
    store.put(names.source("a"), b"1")
    for name in ("jobs/.DS_Store", "jobs/a/.nfs0001", "jobs/a/.snapshot/source"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    assert [blob.key for blob in store.list("jobs/")] == [names.source("a")]


def test_a_file_where_a_job_would_have_its_folder_holds_nothing(tmp_path):
    """The look for orphans asks about everything that it has found, and must get through."""
    store = FileStore(tmp_path)
    store.put(names.source("a"), b"1")
    (tmp_path / "jobs" / "notes").touch()

    assert list(store.list(names.prefix("notes"))) == []


def test_a_folder_that_goes_while_a_blob_is_written(tmp_path):
    """The blob is written again where the folder is: it is no blob that has gone."""
    store = FileStore(tmp_path / "store")

    def write() -> None:
        with store.writer(names.source("a")) as writer:
            writer.write(b"1")
            shutil.rmtree(tmp_path / "store")

    with pytest.raises(TryAgain):
        write()
    store.put(names.source("a"), b"2")
    assert store.get(names.source("a")) == b"2"


def test_a_file_system_that_becomes_read_only_while_a_blob_is_written(tmp_path, monkeypatch):
    """What cannot be removed then hides nothing of what is wrong."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    def write() -> None:
        with store.writer(names.source("a")):
            monkeypatch.setattr(Path, "unlink", refuse)
            monkeypatch.setattr("os.replace", refuse)

    store = FileStore(tmp_path)
    with pytest.raises(TryAgain, match="Read-only"):
        write()


def test_a_folder_that_cannot_be_made_is_a_matter_of_time():
    """As a volume is that is not mounted yet."""
    store = FileStore(Path("/proc/none"))
    with pytest.raises(TryAgain, match="/proc/none"):
        store.ping()
    with pytest.raises(TryAgain):
        store.put(names.source("a"), b"1")


def test_a_folder_that_never_gets_empty_is_not_cleared_for_ever(tmp_path, monkeypatch):
    """As on NFS, where a file that somebody has open stays under another name."""

    def refuse(_: Path) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    store = FileStore(tmp_path)
    store.put(names.source("a"), b"1")
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(TryAgain, match="not empty"):
        store.delete_prefix(names.prefix("a"))
