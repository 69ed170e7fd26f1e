"""What a long run looks like from outside, a line every half minute: what was up for how much of it."""

import time
from collections import Counter
from collections.abc import Callable

from pixo.errors import TryAgain
from pixo.ticker import Ticker
from tests.chaos.installation import PARTITIONS, Installation
from tests.chaos.parts import Part

EVERY = 30.0


class Timeline(Ticker):
    """Prints, as long as it is entered, the jobs that have ended and the share of time that each part answered.

    ``partitions`` is the share of the tasks' partitions that a living worker held, by the heartbeats.
    """

    def __init__(self, installation: Installation, kafka: Part, ended: Callable[[], int]) -> None:
        super().__init__("timeline", 1.0, self.turn)
        self._state = installation.state
        self._parts = [*installation.parts.values(), kafka]
        self._ended = ended
        self._began = self._told = time.monotonic()
        self._up: Counter[str] = Counter()
        self._looks = self._partitions = 0

    def turn(self) -> None:
        """Look at all, and tell what was seen when it is time."""
        self._looks += 1
        self._up.update(part.name for part in self._parts if part.alive and part.ready())
        self._partitions += self._held()
        if time.monotonic() - self._told >= EVERY:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        shares = ", ".join(f"{part.name} {self._up[part.name] / self._looks:.0%}" for part in self._parts)
        held = self._partitions / self._looks / PARTITIONS
        print(  # noqa: T201 - the long form
            f"{self._told - self._began:6.0f} s: {self._ended()} jobs; {shares}; partitions {held:.0%}", flush=True
        )
        self._up.clear()
        self._looks = self._partitions = 0

    def _held(self) -> int:
        try:
            return len({p for one in self._state.workers.alive() for p in one.partitions})
        except TryAgain:
            return 0
