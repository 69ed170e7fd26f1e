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
