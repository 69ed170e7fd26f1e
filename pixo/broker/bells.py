"""Bells beside the embedded broker: whoever sent a record tells the consumers of its topic, all on one machine.

Tansu does not wake a fetch that waits when a record arrives: the fetch looks again at intervals that get shorter, so
that a record is met 8 ms late on average, and a consumer that fetches all the time costs 1.5 % of a core. A ring is a
datagram to the socket of every consumer, and says for which record. It is a hint: one that is lost is made up for by a
look every few seconds. Whatever happens to the folder must neither fail a record nor keep a consumer waiting for rings
in vain.
"""

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex

from pixo import logs

MANY = 8
"""Rings heard at once from which on some may be lost: where systems keep the fewest for a socket, they keep eleven."""
MOST = 1000
"""Those that are heard at once: all that systems keep, and an end where somebody rings without one."""

log = logs.logger(__name__)


class Bells:
    """The bells in a folder, a socket each: rung by producers, from any thread, and listened to by consumers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ring(self, topic: str, partition: int, offset: int) -> None:
        """Ring at every consumer of a topic for a record that the broker has.

        Does not wait and does not fail: whom it does not reach looks in time.
        """
        record = b"%d %d" % (partition, offset)
        # A socket of its own for each: rings that nobody has heard yet take the room of the socket that they were sent
        # by, and those of two consumers that are busy may be as many as one has room for.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringing,
            _near(self._folder) as folder,
        ):
            ringing.settimeout(0)
            for name in os.listdir(folder):  # noqa: PTH208 - a third of the time that paths take
                if name.rpartition(".")[0] == topic:
                    _send(ringing, folder / name, record)

    def listen(self, topic: str) -> "Bell":
        """Return a new bell of a topic."""
        return Bell(self._folder, topic)


class Bell:
    """One consumer's bell, hung anew when it was removed. For one thread.

    While there is no place for it, it may be ringing all the time: its consumer fetches like one without a bell.
    """

    def __init__(self, folder: Path, topic: str) -> None:
        self._folder = folder
        self._topic = topic
        self._path: Path | None = None
        self._socket: socket.socket | None = None
        self._told = False
        self._hang()

    def heard(self, timeout: float) -> dict[int, int] | None:
        """Return for what it has rung since the last call, of each partition the newest offset.

        Empty if it has not, for which it waits so many seconds; None if it may have rung for anything.
        """
        if self._socket is None or self._path is None or not os.path.lexists(self._path):
            self._hang()
            return None
        self._socket.settimeout(timeout)
        rings: list[bytes] = []
        with contextlib.suppress(BlockingIOError, TimeoutError):
            while len(rings) < MOST:
                rings.append(self._socket.recv(40))
                self._socket.settimeout(0)
        return _newest(rings) if len(rings) < MANY else None

    def close(self) -> None:
        """Hear no more."""
        bell, self._socket = self._socket, None
        if bell is not None:
            bell.close()
        path, self._path = self._path, None
        if path is not None:
            with contextlib.suppress(OSError):  # gone, or not ours to remove
                path.unlink()

    def _hang(self) -> None:
        """Take a new place in the folder, where there is one to be had."""
        self.close()
        name = f"{self._topic}.{token_hex(4)}"
        bell = None
        try:
            bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._folder.mkdir(parents=True, exist_ok=True)
            with _near(self._folder) as folder:
                bell.bind(os.fspath(folder / name))
        except OSError as error:
            if bell is not None:
                bell.close()
            if not self._told:
                log.warning("no bell can be hung: fetching all the time", topic=self._topic, reason=str(error))
            self._told = True
        else:
            self._socket, self._path, self._told = bell, self._folder / name, False


def _newest(rings: Iterable[bytes]) -> dict[int, int] | None:
    """Return the newest offset of each partition; None if one of the rings is somebody else's."""
    newest: dict[int, int] = {}
    for ring in rings:
        try:
            partition, offset = map(int, ring.split())
        except ValueError:
            return None
        newest[partition] = max(offset, newest.get(partition, 0))
    return newest


def _send(ringing: socket.socket, path: Path, record: bytes) -> None:
    # One that is full of rings that nobody has heard yet takes no more: whoever hears so many knows.
    with contextlib.suppress(OSError):
        try:
            ringing.sendto(record, os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)  # of a consumer that was killed


@contextlib.contextmanager
def _near(folder: Path) -> Iterator[Path]:
    """Give another path of a folder, short enough for sockets, of which the path has some hundred bytes at most."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = Path(f"/proc/self/fd/{descriptor}")
        yield short if short.is_dir() else folder  # Linux has it
    finally:
        os.close(descriptor)
