"""A whole `pixo up` to be looked at and hurt: its parts killed, while whoever would start them again stands frozen."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import redis
from PIL import Image

from tests.conftest import free_port
from tests.waiting import until


def picture(width: int, height: int, form: str = "JPEG") -> bytes:
    """Give an image that is quick to make."""
    file = io.BytesIO()
    ramp = np.add.outer(np.arange(height, dtype=np.uint32), np.arange(width, dtype=np.uint32)) % 251
    Image.fromarray(np.repeat(ramp.astype(np.uint8)[:, :, None], 3, axis=2)).save(file, form)
    return file.getvalue()


class Installation:
    """A running one: uploads to it, and its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, data: Path) -> None:
        self.data = data
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.web = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def submit(self, image: bytes, filters: str = "grayscale", wait: int = 0) -> httpx.Response:
        """Upload an image."""
        params = {"filters": filters, **({"wait": str(wait)} if wait else {})}
        return self.web.post("/api/v1/jobs", params=params, content=image, headers={"Content-Type": "image/jpeg"})

    def workers(self, state: str) -> list[str]:
        """Give the ids of the workers in this state."""
        found = self.web.get("/api/v1/workers").json().get("workers", [])  # none while Redis is away
        return [worker["id"] for worker in found if worker["state"] == state]

    def pids(self, word: str) -> list[int]:
        """Give the running children in whose command the word is."""
        return [pid for pid in _children(self.process.pid) if word in _read(pid, "cmdline")]

    def environment(self, word: str) -> dict[str, str]:
        """Give the environment of such a child."""
        (pid, *_) = self.pids(word)
        return dict(one.partition("=")[::2] for one in _read(pid, "environ").split("\0") if one)

    @contextlib.contextmanager
    def without(self, word: str) -> Iterator[None]:
        """Kill such children with SIGKILL; inside the block nobody starts them again."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            for pid in self.pids(word):
                os.kill(pid, signal.SIGKILL)
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def redis(self) -> redis.Redis:
        """Give a connection to its Valkey."""
        return redis.Redis.from_url(self.environment("services.monitor")["PIXO_REDIS"])


@contextlib.contextmanager
def installation(folder: Path, workers: int = 2, **environ: str) -> Iterator[Installation]:
    """Run one until the block ends."""
    port, data = free_port(), folder / "pixo-data"
    command = [sys.executable, "-m", "services.cli", "up", f"--workers={workers}", f"--port={port}", f"--data={data}"]
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environ})
    try:
        until(lambda: b"Pixo is ready" in (folder / "up.log").read_bytes(), "ready")
        found = Installation(process, port, data)
        with found.web:
            yield found
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(parent: int) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent(int(entry.name)) == parent
    ]


def _parent(pid: int) -> int:
    # Behind the name, which may hold anything: the state, then the parent. A zombie is no child that runs.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields and fields[0] != "Z" else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
