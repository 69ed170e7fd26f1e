"""A store whose calls are timed and whose failures are counted, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

from pixo import metrics
from pixo.errors import TryAgain
from pixo.store import Blob, Bytes, Splicer, Store, Writer


class Measured:
    """A store around another. Of a blob that is streamed the store's own time counts, not its giver's or taker's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, key: str, data: Bytes) -> None:
        """Write a whole blob; see the protocol, here and below."""
        with _timed("put"):
            self._store.put(key, data)

    def get(self, key: str) -> bytes:
        """Return a whole blob."""
        with _timed("get"):
            return self._store.get(key)

    def size(self, key: str) -> int | None:
        """Return a blob's size in bytes."""
        with _timed("size"):
            return self._store.size(key)

    def delete(self, *keys: str) -> None:
        """Remove blobs."""
        with _timed("delete"):
            self._store.delete(*keys)

    def delete_prefix(self, prefix: str) -> int:
        """Remove every blob under a prefix."""
        with _timed("delete"):
            return self._store.delete_prefix(prefix)

    @contextmanager
    def writer(self, key: str) -> Iterator[Writer]:
        """Stream a blob."""
        lent = self._store.writer(key)
        file = lent.__enter__()
        try:
            yield _TimedSplicer(file) if isinstance(file, Splicer) else _Timed(file)
        except BaseException as error:  # the caller's, whatever it was: the store decides
            if not lent.__exit__(type(error), error, error.__traceback__):
                raise
        else:
            with _timed("write"):
                lent.__exit__(None, None, None)

    def reader(self, key: str) -> BinaryIO:
        """Open a blob."""
        with _timed("read"):
            return self._store.reader(key)

    def chunks(self, key: str, start: int = 0, end: int | None = None, size: int = 1 << 20) -> Iterator[bytes]:
        """Return bytes in pieces."""
        pieces = self._store.chunks(key, start, end, size)
        while True:
            with _timed("read"):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def path(self, key: str) -> Path | None:
        """Return the file of a blob, where blobs are files."""
        return self._store.path(key)

    def release(self, *keys: str) -> None:
        """Take the hint that blobs have served."""
        self._store.release(*keys)

    def list(self, prefix: str) -> Iterator[Blob]:
        """Return all blobs under a prefix."""
        blobs = iter(self._store.list(prefix))
        with _timed("list"):
            first = next(blobs, None)
        if first is not None:
            yield first
            yield from blobs

    def ping(self) -> None:
        """Raise TryAgain unless the store can be reached."""
        with _timed("ping"):
            self._store.ping()


class _Timed:
    """A writer whose every piece is timed."""

    def __init__(self, file: Writer) -> None:
        self._file = file

    def write(self, data: Bytes, /) -> None:
        with _timed("write"):
            self._file.write(data)


class _TimedSplicer(_Timed):
    """Likewise, of a store of files."""

    def __init__(self, file: Splicer) -> None:
        super().__init__(file)
        self._splicer = file

    def splice(self, pipe: int, count: int, /) -> None:
        with _timed("write"):
            self._splicer.splice(pipe, count)


@contextmanager
def _timed(call: str) -> Iterator[None]:
    began = perf_counter()
    try:
        yield
    except TryAgain:
        metrics.store_errors.labels(call).inc()
        raise
    finally:
        metrics.store_duration.labels(call).observe(perf_counter() - began)
