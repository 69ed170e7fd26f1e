"""What only files can do."""

import shutil

from pixo.store import names
from pixo.store.files import FileStore


def test_a_prefix_goes_although_others_remove_it_too(tmp_path, monkeypatch):
    """Walking a folder ends, in some versions of Python, where a file is gone before its turn."""
    store, remove, turns = FileStore(tmp_path), shutil.rmtree, []
    store.put(names.source("a"), b"1")

    def interrupted(folder):
        turns.append(folder)
        if len(turns) == 1:
            raise FileNotFoundError(folder)
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
