"""A whole Pixo of its own for a benchmark: started, asked over HTTP, weighed, stopped."""

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bench.processes import family, free_port, peak

BLOCK = 1 << 20


class Pixo:
    """A running ``pixo up`` with so many workers; use as a context manager."""

    name = "pixo"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.port = free_port()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pixo-bench-")
        command = [sys.executable, "-m", "services.cli", "up", "--workers", str(self.workers)]
        command += ["--port", str(self.port), "--data", self._folder.name]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        line = next((line for line in self._process.stdout if "ready" in line.lower()), None)
        if line is None:
            raise SystemExit("bench: pixo up did not get ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(40)
        self._folder.cleanup()

    def run(self, source: Path, target: Path, filters: str = "grayscale") -> float:
        """Return the seconds from the first byte of the upload to the last byte of the final image."""
        start = perf_counter()
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(source.stat().st_size), "Accept": "image/*"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, blocksize=BLOCK)) as connection:
            connection.request("POST", f"/api/v1/jobs?wait=60&filters={quote(filters)}", headers=headers)
            with source.open("rb") as body:
                # The client shares the machine's cores with what it measures: the kernel sends the file for it.
                connection.sock.sendfile(body)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                raise SystemExit(f"bench: {source.name}: {response.status} {response.read().decode()}")
            save(response, target)
        return perf_counter() - start

    def peaks(self) -> dict[str, int]:
        """Return the peak resident memory of each role's largest process so far, in megabytes."""
        largest: dict[str, int] = defaultdict(int)
        for pid in family(self.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                if role := re.search(r"services\.(\w+)|(valkey|tansu|kafka)", command):
                    name = role.group(1) or role.group(2)
                    largest[name] = max(largest[name], peak(pid))
        return dict(largest)


def save(response: http.client.HTTPResponse, target: Path) -> None:
    """Write an answer's body to a file."""
    if response.status >= 300:
        raise SystemExit(f"bench: {response.status} {response.read(1000).decode(errors='replace')}")
    room = memoryview(bytearray(BLOCK))
    with target.open("wb", buffering=0) as file:
        while count := response.readinto(room):
            file.write(room[:count])
