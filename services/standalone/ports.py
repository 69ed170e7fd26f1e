"""What two instances on one machine could compete for: TCP ports and the data folder."""

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Self

from pixo.errors import ConfigError

_REFUSALS = (OSError, UnicodeError, TypeError)
"""What sockets raise for an address: not ours or taken; the others for a name with characters that no host's has."""


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of the host that nobody listens on now."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def claim(host: str, port: int, patience: float = 3.0) -> int:
    """Return the port if nobody listens on it, or a free one for 0; raise ConfigError when it stays taken.

    The patience, in seconds, is for a former instance that is just ending.
    """
    if port == 0:
        try:
            return free_port(host)
        except _REFUSALS as error:
            raise _refused(host, error) from error
    deadline = time.monotonic() + patience
    while True:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except _REFUSALS as error:
                if time.monotonic() > deadline:
                    raise _refused(f"{host}:{port}", error) from error
            else:
                return port
        time.sleep(0.1)


class FolderLock:
    """Holds a data folder for one instance; the kernel lets it go when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = -1

    def __enter__(self) -> Self:
        """Take the folder; raise ConfigError when it cannot be used or another instance has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot use the data folder {self._folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(self._file, 20, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise ConfigError(
                f"the data folder {self._folder} is in use by another pixo up (process {owner or 'unknown'}); "
                "choose another with --data"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _refused(address: str, error: Exception) -> ConfigError:
    reason = error.strerror if isinstance(error, OSError) else "no name of a host"
    return ConfigError(f"cannot listen on {address} ({reason}); choose another with --port or --host")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
