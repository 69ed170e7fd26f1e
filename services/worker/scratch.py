"""A worker's folder for copies of uploads and decoded images: removed when it ends, or by the next worker."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pixo.errors import ConfigError

PREFIX = "pixo-worker-"


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Return a new folder in ``parent``; remove it after the block, and at once those whose workers are no more.

    Raises ConfigError where no folder can be made there. The folder is locked for as long as the process lives, so
    that a kill is noticed.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise ConfigError(f"PIXO_CACHE={str(parent)!r}: not a writable folder ({error.strerror})") from error
    for left in parent.glob(f"{PREFIX}*"):
        with _locked(left) as mine:
            if mine:
                shutil.rmtree(left, ignore_errors=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with _locked(folder) as mine:
            if not mine:  # another worker begins just now, and took it for one that was left
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Return whether the folder is there and nobody else's for the length of the block."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # gone, or a stranger's
        yield False
        return
    try:
        yield _lock(handle) and folder.exists()
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
