"""Where a worker reads uploads from: the store's own file, or a copy in the cache folder."""

from collections import OrderedDict
from pathlib import Path

from pixo.store import NoSuchBlob, Store, names
from services.worker.measures import Measures


class Sources:
    """Uploads as files. Copies are kept, least recently used out, up to ``capacity`` bytes.

    Not for use by several threads. A copy that is put out while a decoder has it open stays readable.
    """

    def __init__(self, store: Store, folder: Path, capacity: int, measures: Measures) -> None:
        self._store = store
        self._measures = measures
        self._folder = folder
        self._capacity = capacity
        self._copies: OrderedDict[str, int] = OrderedDict()

    def path(self, job: str) -> Path:
        """Return the upload's file.

        Raises NoSuchBlob when the job's bytes are gone, TryAgain("store"), OSError where there is no space for a copy.
        """
        key = names.source(job)
        path = self._store.path(key)
        if path is None:
            return self._copy(job, key)
        if not path.exists():
            raise NoSuchBlob(key)
        return path

    def clear(self) -> None:
        """Remove all copies."""
        for job in self._copies:
            (self._folder / f"{job}.source").unlink(missing_ok=True)
        self._copies.clear()

    def _copy(self, job: str, key: str) -> Path:
        copy = self._folder / f"{job}.source"
        if job in self._copies and copy.exists():
            self._copies.move_to_end(job)
            return copy
        part = copy.with_suffix(".part")
        try:
            with self._measures.stage("read"), part.open("wb") as file:
                for chunk in self._store.chunks(key):
                    file.write(chunk)
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)
        self._copies[job] = copy.stat().st_size
        while sum(self._copies.values()) > self._capacity and len(self._copies) > 1:
            oldest, _ = self._copies.popitem(last=False)
            (self._folder / f"{oldest}.source").unlink(missing_ok=True)
        return copy
