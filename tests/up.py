"""A whole installation on this machine, as `pixo up` starts it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.cli.api import Api

PATIENCE = 90.0
"""Seconds that anything may take on a machine that others use as well."""


class Up:
    """A `pixo up` with two workers, and with these variables besides."""

    def __init__(self, data: Path, *options: str, environ: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "services.cli", "up", "--workers=2", f"--data={data}", *options]
        self.errors = data.with_suffix(".err")
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **(environ or {})}
            )
        self.line = ""

    def wait(self) -> Api:
        """Give its API once it says that all have joined."""
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.line)
        assert found, self.errors.read_text()
        return Api(found.group())

    def children(self) -> dict[str, int]:
        """Give the processes that it has started itself, by name."""
        return {_name(pid): pid for pid in _below(self.process.pid, deep=False)}

    def all(self) -> list[int]:
        """Give all its processes."""
        return [self.process.pid, *_below(self.process.pid, deep=True)]

    def stop(self) -> int:
        """End it as Ctrl-C does and give its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


def _below(pid: int, *, deep: bool) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    queue = list(parents.get(pid, []))
    while queue:
        yield (child := queue.pop())
        queue += parents.get(child, []) if deep else []


def _name(pid: int) -> str:
    """Give a child's name, by what it runs; empty while it is being started."""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
        id = re.search(rb"WORKER_ID=([^\0]*)", Path(f"/proc/{pid}/environ").read_bytes())
        if "lifeline.py" in command:
            return ""
        return id.group(1).decode() if id else "valkey" if "valkey" in command else "broker"
    return ""
