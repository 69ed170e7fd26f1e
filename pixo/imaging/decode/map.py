"""Engine ``map``: what cannot stream is decoded once, into a file of raw rows that all lanes of a worker share."""

import os
from errno import ENOSPC
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from hashlib import sha256
from io import FileIO
from pathlib import Path
from shutil import disk_usage
from typing import Self

import numpy as np
import pyvips

from pixo.errors import BadImage
from pixo.imaging import libvips
from pixo.imaging.decode.push import failure, only_odd, open_pixels
from pixo.imaging.decode.reader import Pixels
from pixo.imaging.plan import Plan


class MapReader:
    """Reads rows from the raw file, in any order.

    Every reader holds a shared lock on the file; the first one decodes under an exclusive lock, and the last one
    to close removes it. Rows are read, not mapped: pages of the file then belong to the system's cache, which
    shrinks when memory is short, and not to this process. Raises OSError (ENOSPC) where they do not fit the folder.
    """

    def __init__(self, path: Path, plan: Plan, cache: Path) -> None:
        self._plan = plan
        self._dtype = np.dtype(np.uint8 if plan.depth == 8 else np.uint16)
        self._row_shape = (plan.width, len(plan.mode))
        self._stride = self._row_shape[0] * self._row_shape[1] * self._dtype.itemsize
        self._window: Pixels = np.empty((0, *self._row_shape), self._dtype)
        self._path = cache / f"{_key(path, plan)}.raw"
        cache.mkdir(parents=True, exist_ok=True)
        self._file: FileIO | None = self._open(path)

    def rows(self, top: int, bottom: int) -> Pixels:
        """Return rows ``[top, bottom)`` as (bottom - top, width, channels)."""
        if self._file is None:
            raise ValueError("the reader is closed")
        if len(self._window) < bottom - top:
            self._window = np.empty((bottom - top, *self._row_shape), self._dtype)
        rows = self._window[: bottom - top]
        self._file.seek(top * self._stride)
        if self._file.readinto(rows.reshape(-1).view(np.uint8).data) != rows.nbytes:
            raise BadImage("The decoded image was cut off in the cache folder.")
        return rows

    def close(self) -> None:
        """Let the file go, and remove it if no other reader has it."""
        if self._file is None:
            return
        with self._file:
            try:
                flock(self._file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                pass  # another reader has it
            else:
                self._path.unlink(missing_ok=True)
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, source: Path) -> FileIO:
        """Return the whole raw file, with a shared lock on it."""
        while True:
            file = FileIO(self._path, "a+")
            try:
                flock(file, LOCK_SH)
                if not self._is_whole(file):
                    # Changing locks is not atomic, so what is true is looked up again under each.
                    flock(file, LOCK_EX)
                    if os.fstat(file.fileno()).st_nlink and not self._is_whole(file):
                        self._fill(source, file)
                    flock(file, LOCK_SH)
                # A reader that was the last one may have removed the file in between.
                if os.fstat(file.fileno()).st_nlink and self._is_whole(file):
                    return file
            except BaseException:  # whatever it was, the lock must go with the file
                file.close()
                raise
            file.close()

    def _is_whole(self, file: FileIO) -> bool:
        """Return whether all rows are there: they are written in order, so the size tells."""
        return os.fstat(file.fileno()).st_size == self._stride * self._plan.height

    def _fill(self, source: Path, file: FileIO) -> None:
        """Decode into the file, under an exclusive lock."""
        file.truncate(0)
        size = self._stride * self._plan.height
        if disk_usage(self._path.parent).free < size:
            raise OSError(ENOSPC, f"{size:,} bytes for a decoded image do not fit (PIXO_CACHE)", str(self._path.parent))
        try:
            self._decode(source, strict=self._plan.source == "jpeg")
        except BaseException:  # half a picture must not pass for a whole one
            file.truncate(0)
            self._path.unlink(missing_ok=True)
            raise

    def _decode(self, source: Path, *, strict: bool) -> None:
        opened = open_pixels(source, self._plan, strict=strict)
        try:
            opened.image.rawsave(str(self._path))
        except pyvips.Error as failed:
            error = opened.explain(failed)
            if libvips.could_not_write(failed):  # others have filled the folder meanwhile
                raise OSError(ENOSPC, f"{libvips.reason(failed)} (PIXO_CACHE)", str(self._path.parent)) from error
            if not (strict and only_odd(error)):
                raise failure(self._plan, error) from error
        else:
            return
        finally:
            opened.close()
        self._decode(source, strict=False)


def _key(path: Path, plan: Plan) -> str:
    """Name the pixels of this very file in this form."""
    stat = path.stat()
    facts = (path.resolve(), stat.st_ino, stat.st_size, stat.st_mtime_ns, plan.mode, plan.depth)
    return sha256(repr(facts).encode()).hexdigest()[:24]
