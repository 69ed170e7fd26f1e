"""A simulated store: each blob appears whole, each request may be the last of its process or stay without answer."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixo.errors import TryAgain
from pixo.store import Blob, NoSuchBlob
from tests.property.protocol.processes import pause


class Blobs:
    """The store. ``clock`` gives ms, ``trouble`` what goes wrong with the next request."""

    def __init__(self, clock, trouble, touched: set[str]) -> None:
        self.kept: dict[str, tuple[bytes, int]] = {}
        self._clock = clock
        self._trouble = trouble
        self._touched = touched

    def see(self, key: str) -> bytes | None:
        """Give a blob, None if there is none. Not for processes."""
        found = self.kept.get(key)
        return found[0] if found else None

    def put(self, key: str, data: bytes) -> None:
        """Write a blob."""
        trouble = self._ask()
        if trouble != "lost":
            self.kept[key] = (bytes(data), self._clock())
            self._touched.add(key.split("/")[1])
        if trouble:
            raise TryAgain("store", "no answer")

    def get(self, key: str) -> bytes:
        """Give a blob."""
        if self._ask():
            raise TryAgain("store", "no answer")
        if key not in self.kept:
            raise NoSuchBlob(key)
        return self.kept[key][0]

    def size(self, key: str) -> int | None:
        """Give a blob's size."""
        if self._ask():
            raise TryAgain("store", "no answer")
        return len(self.kept[key][0]) if key in self.kept else None

    def delete(self, *keys: str) -> None:
        """Remove blobs, one after the other."""
        for key in keys:
            trouble = self._ask()
            if trouble != "lost":
                self.kept.pop(key, None)
                self._touched.add(key.split("/")[1])
            if trouble:
                raise TryAgain("store", "no answer")

    def delete_prefix(self, prefix: str) -> int:
        """Remove all under the prefix, in no particular order."""
        keys = [key for key in self.kept if key.startswith(prefix)]
        self.delete(*keys)
        return len(keys)

    def release(self, *keys: str) -> None:
        """Do nothing."""

    @contextmanager
    def writer(self, key: str) -> Iterator[io.BytesIO]:
        """Take bytes and write the blob at the end."""
        file = io.BytesIO()
        yield file
        self.put(key, file.getvalue())

    def reader(self, key: str) -> io.BytesIO:
        """Open a blob."""
        return io.BytesIO(self.get(key))

    def chunks(self, key: str, start: int = 0, end: int | None = None, size: int = 1 << 20) -> Iterator[bytes]:
        """Give a blob in one piece."""
        yield self.get(key)[start:end]

    def path(self, key: str) -> Path | None:
        """Give none: blobs are not files here."""
        return None

    def list(self, prefix: str) -> Iterator[Blob]:
        """Give what lies under the prefix."""
        if self._ask():
            raise TryAgain("store", "no answer")
        found = [(key, *what) for key, what in self.kept.items() if key.startswith(prefix)]
        return (Blob(key=key, size=len(data), modified=when / 1000) for key, data, when in found)

    def _ask(self) -> str:
        pause()
        return str(self._trouble("store"))
