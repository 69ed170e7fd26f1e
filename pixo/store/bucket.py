"""Blobs in a bucket, of S3 and what speaks its protocol, or of another cloud."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store, from_url

from pixo.errors import ConfigError, TryAgain
from pixo.settings import Store as StoreSettings
from pixo.store import Blob, Bytes, NoSuchBlob, Writer

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

PART = 8 << 20
"""Bytes of one part of an upload; two are under way at once, so a writer holds at most three in memory."""
BLOCK = 1 << 18
"""Bytes that a reader asks for at once."""


def connect(settings: StoreSettings) -> Any:
    """Return obstore's client for the URL; nothing is reached yet. Raise ConfigError for what it cannot be."""
    client: ClientConfig = {
        "allow_http": settings.store_endpoint.startswith("http://"),
        "connect_timeout": "2s",
    }
    if settings.store_tls_ca:
        client["root_certificate"] = Path(settings.store_tls_ca).read_bytes()
    # Callers wait and ask again by themselves, so little is repeated here.
    retry: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
    url = urlsplit(settings.store)
    try:
        if url.scheme != "s3":
            return from_url(settings.store, client_options=client, retry_config=retry)
        options: dict[str, Any] = {"region": settings.store_region}
        if settings.store_endpoint:
            options |= {"endpoint": settings.store_endpoint, "virtual_hosted_style_request": False}
        if settings.store_access_key:  # else from the environment, the machine's or the pod's role
            options |= {
                "access_key_id": settings.store_access_key,
                "secret_access_key": settings.store_secret_key,
            }
        prefix = url.path.strip("/") or None
        return S3Store(url.netloc, prefix=prefix, client_options=client, retry_config=retry, **options)
    except (BaseError, ValueError) as error:
        raise ConfigError(f"PIXO_STORE={settings.store!r}: {_first_line(error)}") from error


class BucketStore:
    """A store in a bucket, through obstore's client."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    def put(self, key: str, data: Bytes) -> None:
        """Write a whole blob, replacing one of the same key, atomically."""
        with _reached():
            obstore.put(self._bucket, key, data, use_multipart=len(data) > PART, chunk_size=PART, max_concurrency=2)

    def get(self, key: str) -> bytes:
        """Return a whole blob; raise NoSuchBlob."""
        with _translated(key):
            return obstore.get(self._bucket, key).bytes().to_bytes()

    def size(self, key: str) -> int | None:
        """Return a blob's size in bytes, None when it is not there."""
        try:
            with _translated(key):
                return obstore.head(self._bucket, key)["size"]
        except NoSuchBlob:
            return None

    def delete(self, *keys: str) -> None:
        """Remove blobs; those that are not there are fine."""
        if not keys:
            return
        try:
            with _translated(keys[0]):
                obstore.delete(self._bucket, list(keys))
        except NoSuchBlob:
            # Some clouds complain of a missing one and may have left the others.
            for key in keys if len(keys) > 1 else ():
                self.delete(key)

    def delete_prefix(self, prefix: str) -> int:
        """Remove every blob under a prefix that ends with a slash; return how many there were."""
        keys = [blob.key for blob in self.list(prefix)]
        self.delete(*keys)
        return len(keys)

    @contextmanager
    def writer(self, key: str) -> Iterator[Writer]:
        """Stream a blob: it appears whole when the block ends, and not at all when the block raises."""
        file = obstore.open_writer(self._bucket, key, buffer_size=PART, max_concurrency=2)
        file.__enter__()
        try:
            yield _Translating(file)
        except BaseException:  # the caller's, whatever it was: half a blob must not appear
            with suppress(BaseError, OSError):  # what is left of it where the store is away is the bucket's to clear
                file.__exit__(*sys.exc_info())  # aborts the upload
            raise
        with _reached():
            file.__exit__(None, None, None)  # completes it

    def reader(self, key: str) -> BinaryIO:
        """Open a blob as a seekable, buffered file, which the caller closes; raise NoSuchBlob."""
        size = self.size(key)
        if size is None:
            raise NoSuchBlob(key)
        return io.BufferedReader(_Ranged(self, key, size), BLOCK)

    def chunks(self, key: str, start: int = 0, end: int | None = None, size: int = 1 << 20) -> Iterator[bytes]:
        """Return the bytes ``[start, end)`` in pieces of at most ``size``; raise NoSuchBlob at the first.

        Every piece is a request of its own, so that a slow receiver never holds one open.
        """
        whole = self.size(key)
        if whole is None:
            raise NoSuchBlob(key)
        stop = whole if end is None else min(end, whole)
        for at in range(start, stop, size):
            yield self.range(key, at, min(stop, at + size))

    def range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes ``[start, end)``, which must lie within the blob and be at least one."""
        with _translated(key):
            return obstore.get_range(self._bucket, key, start=start, end=end).to_bytes()

    def path(self, key: str) -> None:
        """Return None: there is no file."""

    def release(self, *keys: str) -> None:
        """Do nothing: nothing of a bucket's is kept here."""

    def list(self, prefix: str) -> Iterator[Blob]:
        """Return all blobs under a prefix that is empty or ends with a slash, in no particular order."""
        with _reached():
            for batch in obstore.list(self._bucket, prefix or None):
                for meta in batch:
                    modified = meta["last_modified"].timestamp()
                    yield Blob(key=meta["path"], size=meta["size"], modified=modified)

    def ping(self) -> None:
        """Raise TryAgain unless the bucket is there and may be listed."""
        with _reached():
            next(iter(obstore.list(self._bucket, "ping", chunk_size=1)), None)


class _Translating:
    """An upload whose errors are TryAgain."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Bytes, /) -> None:
        # The client keeps what it is given until a part is sent, and the caller may fill its buffer anew before.
        own = bytes(data)
        with _reached():
            self._file.write(own)


class _Ranged(io.RawIOBase):
    """A blob as a file; every read is one request, so it wants a buffer around it."""

    def __init__(self, store: BucketStore, key: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0
        data = self._store.range(self._key, self._at, end)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@contextmanager
def _reached() -> Iterator[None]:
    """Turn every error of the client into TryAgain; a missing blob cannot be meant, so it is the bucket."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise TryAgain("store", _first_line(error)) from error


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchBlob(key) from error
    except (BaseError, OSError) as error:
        raise TryAgain("store", f"{key}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
