"""Image servers to stand beside Pixo: thumbor and imgproxy, on loopback, reading the photographs from a folder.

Neither keeps results: each request is decoded, filtered and encoded anew. Limits that would refuse a scan are raised.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import quote

from bench.photos import FOLDER
from bench.processes import family, free_port
from bench.server import BLOCK, save


class Rival(ABC):
    """A server that filters what a URL names; use as a context manager."""

    name: ClassVar[str]
    paths: ClassVar[Mapping[str, str]]
    """Pixo's chain to the URL that asks for the same, quality 85; those that it has."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.port = free_port()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pixo-bench-")
        command, null = self.command(Path(self._folder.name)), subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=self.environ(), stdout=null, stderr=null)
        self.pid = self._process.pid
        until = time.monotonic() + 30
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"bench: {self.program} did not get ready")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in list(family(self.pid)):  # thumbor's processes outlive the one that started them
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGTERM)
        self._process.wait(40)
        self._folder.cleanup()

    def run(self, source: Path, target: Path, filters: str) -> float:
        """Return the seconds from the connection to the last byte of the answer."""
        start = perf_counter()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, blocksize=BLOCK)) as connection:
            connection.request("GET", quote(self.paths[filters].format(source.name), safe="/:(),@"))
            save(connection.getresponse(), target)
        return perf_counter() - start

    @abstractmethod
    def command(self, folder: Path) -> list[str]:
        """Return the command; what it reads may lie in the folder."""

    def environ(self) -> dict[str, str]:
        """Return the command's environment."""
        return {"PATH": os.environ["PATH"]}

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Thumbor(Rival):
    """Two processes; Pillow, and filters of its own in C. Its radius is where imgproxy, too, cuts a blur of sigma 2."""

    name = "thumbor"
    paths: ClassVar = {
        "grayscale": "/unsafe/filters:grayscale():quality(85)/{}",
        "blur:sigma=2": "/unsafe/filters:blur(4,2):quality(85)/{}",
    }

    def command(self, folder: Path) -> list[str]:
        """Write its settings; progressive JPEG, its default, would take it longer."""
        settings = folder / "thumbor.conf"
        settings.write_text(
            f'LOADER = "thumbor.loaders.file_loader"\nFILE_LOADER_ROOT_PATH = "{FOLDER}"\n'
            'STORAGE = "thumbor.storages.no_storage"\nPROGRESSIVE_JPEG = False\nMAX_PIXELS = None\n'
        )
        address = ["--ip", "127.0.0.1", "--port", str(self.port)]
        return [self.program, *address, "--processes", "2", "--conf", str(settings)]


class Imgproxy(Rival):
    """One process, two workers a core as it comes; libvips. Without its paid part it has no grayscale."""

    name = "imgproxy"
    paths: ClassVar = {"blur:sigma=2": "/insecure/bl:2/q:85/plain/local:///{}@jpg"}

    def command(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Take no arguments."""
        return [self.program]

    def environ(self) -> dict[str, str]:
        """Give its settings: megapixels, seconds."""
        own = {"BIND": f"127.0.0.1:{self.port}", "LOCAL_FILESYSTEM_ROOT": str(FOLDER)}
        own |= {"MAX_SRC_RESOLUTION": "300", "TIMEOUT": "300", "LOG_LEVEL": "error"}
        return super().environ() | {f"IMGPROXY_{name}": value for name, value in own.items()}
