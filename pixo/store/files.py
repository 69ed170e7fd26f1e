"""Blobs as files in a folder."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOTEMPTY
from itertools import filterfalse
from pathlib import Path
from secrets import token_hex
from stat import S_ISREG
from typing import BinaryIO, Self

from pixo.errors import TryAgain
from pixo.store import CANNOT_SPLICE, Blob, Bytes, NoSuchBlob, Writer
from pixo.store.cache import Cache

PARTS = ".parts"
"""The folder of what is being written; on the same file system, so that a rename moves it into its place."""
ABANDONED = 86_400.0
"""Seconds after which a file that nobody added to was left behind by a killed process."""
ROUNDS = 20
"""Times that a folder is cleared in which others still write, each of them a last piece of a job that is deleted."""
LARGEST_WRITE = 1 << 20
"""Bytes handed to the kernel at once. The page cache takes a longer write in pages of 2 MB, which are those that
a virtual machine gives back to its host while they are free: each must be fetched back, five times the work of
writing the same bytes by megabytes."""


class FileStore:
    """A store in a folder, made when the first blob comes.

    A blob survives the death of any process once it is there; whether it survives the machine's is the file
    system's matter (nothing is forced to the disk).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache = Cache()

    def put(self, key: str, data: Bytes) -> None:
        """Write a whole blob, replacing one of the same key, atomically."""
        with self.writer(key) as file:
            file.write(data)

    def get(self, key: str) -> bytes:
        """Return a whole blob; raise NoSuchBlob."""
        with _translated(key):
            return self.path(key).read_bytes()

    def size(self, key: str) -> int | None:
        """Return a blob's size in bytes, None when it is not there."""
        try:
            with _translated(key):
                found = self.path(key).stat()
        except NoSuchBlob:
            return None
        return found.st_size if S_ISREG(found.st_mode) else None

    def delete(self, *keys: str) -> None:
        """Remove blobs; those that are not there are fine."""
        for key in keys:
            with suppress(NoSuchBlob), _translated(key):
                self.path(key).unlink()

    def delete_prefix(self, prefix: str) -> int:
        """Remove every blob under a prefix that ends with a slash; return how many there were."""
        count = sum(1 for _ in self.list(prefix))
        folder = self._folder(prefix)
        left = ROUNDS
        while folder.exists():
            left -= 1
            # Up to Python 3.12 it ends where somebody else removes a file meanwhile, and ever where one is added.
            with suppress(NoSuchBlob), _translated(prefix):
                try:
                    shutil.rmtree(folder)
                except OSError as error:
                    if error.errno != ENOTEMPTY or not left:
                        raise
        return count

    @contextmanager
    def writer(self, key: str) -> Iterator[Writer]:
        """Stream a blob: it appears whole when the block ends, and not at all when the block raises."""
        path, part = self.path(key), self._root / PARTS / token_hex(12)
        with _written(key):
            try:
                file = part.open("wb", buffering=1 << 18)
            except FileNotFoundError:
                part.parent.mkdir(parents=True, exist_ok=True)
                file = part.open("wb", buffering=1 << 18)
        try:
            with _Translating(file, key) as writer:
                yield writer
            with _written(key):
                _move(part, path)
        finally:
            with suppress(OSError):  # moved; or nothing can be changed there any more, which was said
                part.unlink()

    def reader(self, key: str) -> BinaryIO:
        """Open a blob as a seekable, buffered file, which the caller closes; raise NoSuchBlob."""
        with _translated(key):
            return self.path(key).open("rb")

    def chunks(self, key: str, start: int = 0, end: int | None = None, size: int = 1 << 20) -> Iterator[bytes]:
        """Return the bytes ``[start, end)`` in pieces of at most ``size``; raise NoSuchBlob at the first."""
        with self.reader(key) as file, _translated(key):
            file.seek(start)
            left = os.fstat(file.fileno()).st_size - start if end is None else end - start
            while left > 0 and (data := file.read(min(size, left))):
                left -= len(data)
                yield data

    def path(self, key: str) -> Path:
        """Return the file of a blob. It may not exist."""
        parts = key.split("/")
        if not all(parts) or any(map(_hidden, parts)):
            raise ValueError(f"{key!r} is no key")
        return self._root.joinpath(*parts)

    def release(self, *keys: str) -> None:
        """Take the hint that blobs have served: before long they leave the machine's memory."""
        for key in keys:
            self._cache.release(self.path(key))

    def list(self, prefix: str) -> Iterator[Blob]:
        """Return all blobs under a prefix that is empty or ends with a slash, in no particular order."""
        with _translated(prefix):
            for folder, below, files in os.walk(self._folder(prefix), onerror=_raise_unless_none):
                # Nothing that begins with a dot has a key: what is being written, what NFS or a desktop leaves.
                below[:] = filterfalse(_hidden, below)
                for name in filterfalse(_hidden, files):
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # removed meanwhile
                        stat = path.stat()
                        key = path.relative_to(self._root).as_posix()
                        yield Blob(key=key, size=stat.st_size, modified=stat.st_mtime)

    def ping(self) -> None:
        """Raise TryAgain unless the folder is there, or can be made, and can be written to."""
        with _written(str(self._root)):
            self._root.mkdir(parents=True, exist_ok=True)
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise TryAgain("store", f"{self._root} is not writable")

    def tidy(self) -> None:
        """Remove what killed processes were writing more than a day ago."""
        limit = time.time() - ABANDONED
        with suppress(OSError):  # not ours, not there: the next one tidies
            for part in (self._root / PARTS).iterdir():
                if part.stat().st_mtime < limit:
                    part.unlink()

    def _folder(self, prefix: str) -> Path:
        return self.path(prefix.rstrip("/")) if prefix else self._root


class _Translating:
    """A file whose errors while writing and closing are TryAgain; what the caller raises passes untouched."""

    def __init__(self, file: BinaryIO, key: str) -> None:
        self._file = file
        self._key = key

    def write(self, data: Bytes, /) -> None:
        with _written(self._key), memoryview(data) as view:
            for start in range(0, len(view), LARGEST_WRITE):
                self._file.write(view[start : start + LARGEST_WRITE])

    def splice(self, pipe: int, count: int, /) -> None:
        with _written(self._key):
            self._file.flush()
            while count > 0:
                count -= self._moved(pipe, count)

    def _moved(self, pipe: int, count: int) -> int:
        try:
            return os.splice(pipe, self._file.fileno(), count)
        except OSError as error:
            if error.errno not in CANNOT_SPLICE:
                raise
        data = os.read(pipe, count)
        self._file.write(data)
        self._file.flush()
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            if kind is None:
                raise TryAgain("store", f"{self._key}: {error.strerror}") from error


def _move(part: Path, path: Path) -> None:
    while True:
        try:
            os.replace(part, path)  # noqa: PTH105 - the call that is atomic by definition
        except FileNotFoundError:
            if not part.exists():
                raise
            # The folder is not there yet, or was removed just now.
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            return


def _hidden(name: str) -> bool:
    return name.startswith(".")


def _raise_unless_none(error: OSError) -> None:
    """Raise what is wrong with a folder, unless there is none."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NoSuchBlob(key) from error
    except OSError as error:
        raise TryAgain("store", f"{key}: {error.strerror}") from error


@contextmanager
def _written(key: str) -> Iterator[None]:
    """Turn whatever keeps a blob from being written into TryAgain: a folder that is not there is no blob's end."""
    try:
        yield
    except OSError as error:
        raise TryAgain("store", f"{key}: {error.strerror}") from error
