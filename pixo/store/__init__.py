"""Bytes of images: sources, pieces, finals, and the two small records beside them.

A store keeps blobs under keys with slashes (``names`` has all of them). Every blob appears whole or not at
all and is written once under its key in normal operation; writing it again replaces it whole.

Whoever calls sees two errors only: NoSuchBlob when a blob is not there (any more), and TryAgain with the part
``store`` when the store cannot be reached or cannot take bytes for now.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from errno import EINVAL, ENOSYS, EPERM
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from pixo.errors import ConfigError, PixoError
from pixo.settings import Store as StoreSettings

__all__ = ["CANNOT_SPLICE", "Blob", "Bytes", "NoSuchBlob", "Splicer", "Store", "Writer", "open"]

Bytes = bytes | bytearray | memoryview
CANNOT_SPLICE = frozenset({EINVAL, ENOSYS, EPERM})
"""Errors of kernels, sandboxes, file systems and sockets that cannot; all of them can read and write."""


class NoSuchBlob(PixoError):
    """Raised when a blob that was asked for is not in the store; ``key`` says which."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is not in the store")
        self.key = key


class Blob(Struct, frozen=True, kw_only=True):
    """One entry of a listing."""

    key: str
    size: int
    modified: float
    """Unix time, seconds."""


class Writer(Protocol):
    """Takes the bytes of one blob in order."""

    def write(self, data: Bytes, /) -> object:
        """Add bytes, which the caller may change afterwards; raise TryAgain when the store cannot take them."""


@runtime_checkable
class Splicer(Writer, Protocol):
    """A writer to which the kernel can move bytes that this process never sees."""

    def splice(self, pipe: int, count: int, /) -> None:
        """Add so many bytes, which are in the pipe already; raise TryAgain when the store cannot take them."""


class Store(Protocol):
    """A place for blobs; safe to use from many threads at once."""

    def put(self, key: str, data: Bytes) -> None:
        """Write a whole blob, replacing one of the same key, atomically."""

    def get(self, key: str) -> bytes:
        """Return a whole blob; raise NoSuchBlob."""

    def size(self, key: str) -> int | None:
        """Return a blob's size in bytes, None when it is not there."""

    def delete(self, *keys: str) -> None:
        """Remove blobs; those that are not there are fine."""

    def delete_prefix(self, prefix: str) -> int:
        """Remove every blob under a prefix that ends with a slash; return how many there were."""

    def writer(self, key: str) -> AbstractContextManager[Writer]:
        """Stream a blob: it appears whole when the block ends, and not at all when the block raises."""

    def reader(self, key: str) -> BinaryIO:
        """Open a blob as a seekable, buffered file, which the caller closes; raise NoSuchBlob."""

    def chunks(self, key: str, start: int = 0, end: int | None = None, size: int = 1 << 20) -> Iterator[bytes]:
        """Return the bytes ``[start, end)`` in pieces of at most ``size``; raise NoSuchBlob at the first."""

    def path(self, key: str) -> Path | None:
        """Return the file of a blob where blobs are local files, else None. The file may not exist."""

    def release(self, *keys: str) -> None:
        """Take the hint that blobs have served, and will seldom be read again; returns at once and raises nothing."""

    def list(self, prefix: str) -> Iterator[Blob]:
        """Return all blobs under a prefix that is empty or ends with a slash, in no particular order."""

    def ping(self) -> None:
        """Raise TryAgain unless the store can be reached."""


def open(settings: StoreSettings) -> Store:  # noqa: A001 - read as store.open
    """Return the store that the URL names, reaching nothing; raise ConfigError for a URL of no known kind."""
    url = urlsplit(settings.store)
    from pixo.store.measured import Measured  # noqa: PLC0415 - it stands on this module

    if url.scheme == "file":
        from pixo.store.files import FileStore  # noqa: PLC0415 - a process needs one kind only

        if url.netloc or not url.path.startswith("/"):
            raise ConfigError(f"PIXO_STORE={settings.store!r}: a folder must be written as file:///absolute/folder")
        files = FileStore(Path(unquote(url.path)))
        files.tidy()
        return Measured(files)
    from pixo.store.bucket import BucketStore, connect  # noqa: PLC0415 - likewise; it starts threads of its own

    return Measured(BucketStore(connect(settings)))
