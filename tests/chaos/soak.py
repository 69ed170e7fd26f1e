"""Full load for a long while: what each role holds in memory must not grow."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pixo.ticker import Ticker
from services.standalone.children import rss
from tests.chaos.installation import Installation
from tests.chaos.pictures import Kind
from tests.chaos.run import AT_ONCE, Outcome, Run

BEAT = 2.0
"""Seconds between two samples."""
SETTLED = 180.0
"""Seconds after which a process has what it needs: growth counts from here."""
WINDOW = 30.0
"""Seconds of samples that stand for a moment: the median of them."""
GROWTH = 0.10


class Growth(NamedTuple):
    """A part's memory, in bytes, once it had settled and at the end."""

    name: str
    settled: float
    end: float

    @property
    def share(self) -> float:
        """How much it grew, of what it had; below 0 where it shrank."""
        return self.end / self.settled - 1


class Soak(Ticker):
    """Samples the memory of parts; a context manager."""

    def __init__(self, pids: Callable[[], dict[str, int]]) -> None:
        super().__init__("soak", BEAT, self.turn)
        self._pids = pids
        self._samples: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._began = time.monotonic()

    def growth(self, settled: float = SETTLED) -> list[Growth]:
        """Give what became of each part."""
        found = []
        for name, samples in self._samples.items():
            last = samples[-1][0]
            early = [size for at, size in samples if settled - WINDOW <= at <= settled + WINDOW]
            late = [size for at, size in samples if at >= last - 2 * WINDOW]
            found.append(Growth(name, median(early), median(late)))
        return found

    def turn(self) -> None:
        """Take a sample of each."""
        at = time.monotonic() - self._began
        for name, pid in self._pids().items():
            self._samples[name].append((at, rss(pid)))


def serving(pixo: Installation) -> dict[str, int]:
    """Give the process of each part that does its work: of web the one that serves, not the one that watches."""
    pids = {part.name: part.pid for part in pixo.parts.values()}
    children = Path(f"/proc/{pixo.web.pid}/task/{pixo.web.pid}/children").read_text().split()
    return {**pids, "web": int(children[0])}


def load(run: Run, kinds: Sequence[Kind], seconds: float) -> dict[Outcome, int]:
    """Keep an installation busy for so many seconds; give how the jobs ended."""
    deadline = time.monotonic() + seconds
    numbers = count()
    outcomes: dict[Outcome, int] = defaultdict(int)
    lock = threading.Lock()

    def client(_: int) -> None:
        while time.monotonic() < deadline:
            outcome = run.outcome(run.submit(kinds[next(numbers) % len(kinds)]))
            with lock:
                outcomes[outcome] += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(client, range(AT_ONCE)))
    return dict(outcomes)
