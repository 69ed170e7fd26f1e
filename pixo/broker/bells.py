"""Bells beside the embedded broker: whoever sent a record tells the consumers of its topic, all on one machine.

Tansu does not wake a fetch that waits when a record arrives: the fetch looks again at intervals that get shorter, so
that a record is met 8 ms late on average, and a consumer that fetches all the time costs 1.5 % of a core. A ring is a
datagram to the socket of every consumer. It is a hint: one that is lost is made up for by a look every few seconds.
"""

import contextlib
import os
import socket
from pathlib import Path
from secrets import token_hex


class Bells:
    """The bells in a folder, a socket each: rung by producers, from any thread, and listened to by consumers.

    Makes the folder. What fails raises OSError, where nothing else is said.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        # A socket's path has some hundred bytes at most, and by this one, which Linux has, any folder's is short.
        short = Path(f"/proc/self/fd/{self._descriptor}")
        self._folder = short if short.is_dir() else folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)

    def ring(self, topic: str) -> None:
        """Ring at every consumer of a topic. Does not wait and does not fail: whom it does not reach looks in time."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._descriptor):  # noqa: PTH208 - paths cannot
                if name.rpartition(".")[0] == topic:
                    self._ring(self._folder / name)

    def listen(self, topic: str) -> "Bell":
        """Return a new bell of a topic."""
        return Bell(self._folder / f"{topic}.{token_hex(4)}")

    def close(self) -> None:
        """Ring no more; bells that were given stay."""
        self._socket.close()
        os.close(self._descriptor)

    def _ring(self, path: Path) -> None:
        # One that is full of rings that nobody has heard yet takes no more: it would tell nothing new.
        with contextlib.suppress(OSError):
            try:
                self._socket.sendto(b"!", os.fspath(path))
            except (FileNotFoundError, ConnectionRefusedError):
                path.unlink(missing_ok=True)  # of a consumer that was killed


class Bell:
    """One consumer's bell. For one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.bind(os.fspath(path))
        except OSError:
            self._socket.close()
            raise

    def heard(self, timeout: float) -> bool:
        """Return whether it has rung since the last call; wait for that, so many seconds at most."""
        self._socket.settimeout(timeout)
        try:
            self._socket.recv(1)
        except (BlockingIOError, TimeoutError):
            return False
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)
        return True

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
