"""What a benchmark asks of a server that it started: a port, and what it and all its processes take."""

import contextlib
import os
import re
import socket
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> Iterator[int]:
    """Return the process and all that it and its children started."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children[int(_fields(stat)[1])].append(int(stat.parent.name))
    queue = [pid]
    while queue:
        yield (parent := queue.pop())
        queue += children[parent]


def peak(pid: int) -> int:
    """Return the most memory that one process held, in megabytes; 0 when it has gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(held.group(1)) // 1024 if held else 0
    return 0


def forget_peaks(pid: int) -> None:
    """Let the peaks of a family begin anew at what its processes hold now."""
    for member in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            Path(f"/proc/{member}/clear_refs").write_text("5")


def processor(pid: int) -> float:
    """Return the processor's seconds that a family took so far."""
    ticks = 0
    for member in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(map(int, _fields(Path(f"/proc/{member}/stat"))[11:13]))
    return ticks / TICKS


def _fields(stat: Path) -> list[str]:
    """Return the fields behind the command's name, which may hold blanks: first the state and the parent."""
    return stat.read_text().rpartition(")")[2].split()
