"""What files leave in the machine's memory, given back once they have served.

The upload and the final of a finished job are seldom read again, but the kernel keeps them until memory is short. On
hardware of one's own that costs nothing. A virtual machine whose host lends it memory page by page and takes back what
is free (Firecracker, Kata, WSL 2, Docker Desktop) pays for fresh pages with every job: where one of 4 KB took 13 us,
that was a sixth of a photo's time. And such pages count as the container's. So only the last jobs' files stay, and the
memory of those before them is used again (docs/adr/0011-page-cache.md).
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue

KEPT = 64 << 20
"""Bytes of files that stay as they are, and again so many that are on their way to the disk."""
LEAST = 64 << 10
"""Bytes that a small file counts as, so that there are not too many."""
LINE = 1000
"""Files that wait for a disk which is slower than the jobs; of more the kernel takes care, as it always did."""

Advise = Callable[[Path], object]


def advise(path: Path) -> None:
    """Have the kernel begin to write a file's new pages, and forget those that are written. Raises OSError.

    Does nothing where the system has no such call (macOS).
    """
    if not hasattr(os, "posix_fadvise"):
        return
    file = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


class Cache:
    """The files that have served, oldest first. Works in a thread of its own, since a busy disk lets it wait."""

    def __init__(self, advise: Advise = advise) -> None:
        self._advise = advise
        self._line: Queue[Path] = Queue(LINE)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def release(self, path: Path) -> None:
        """Take note that a file has served, at once; it may be gone. Raises nothing: it is no more than a hint."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="page cache", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # a container that is allowed no more of them, or the process is ending
                    return
                self._thread = thread
        with suppress(Full):
            self._line.put_nowait(path)

    def _run(self) -> None:
        fresh, written = _Row(), _Row()
        while True:
            # Twice, and some time between: a page that has not reached the disk cannot be forgotten.
            for path in fresh.push(self._line.get()):
                with suppress(OSError):  # gone meanwhile, and its pages with it
                    self._advise(path)
                for old in written.push(path):
                    with suppress(OSError):
                        self._advise(old)


class _Row:
    """The newest files, up to ``KEPT`` bytes, or a single one."""

    def __init__(self) -> None:
        self._files: deque[tuple[Path, int]] = deque()
        self._bytes = 0

    def push(self, path: Path) -> Iterator[Path]:
        """Add a file that is there at the end; give those at the front that there is no room for any more."""
        with suppress(OSError):
            size = max(path.stat().st_size, LEAST)
            self._files.append((path, size))
            self._bytes += size
        while self._bytes > KEPT and len(self._files) > 1:
            old, size = self._files.popleft()
            self._bytes -= size
            yield old
