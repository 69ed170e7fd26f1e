"""What a long run looks like from outside, a line every half minute: what was up for how much of it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

from pixo.errors import TryAgain
from tests.chaos.installation import PARTITIONS, Installation
from tests.chaos.parts import Part

EVERY = 30.0


class Timeline:
    """Prints, as long as it is entered, the jobs that have ended and the share of time that each part answered.

    ``partitions`` is the share of the tasks' partitions that a living worker held, by the heartbeats.
    """

    def __init__(self, installation: Installation, kafka: Part, ended: Callable[[], int]) -> None:
        self._state = installation.state
        self._parts = [*installation.parts.values(), kafka]
        self._ended = ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began = told = time.monotonic()
        looks = 0
        up: Counter[str] = Counter()
        held = 0
        while not self._stop.wait(1):
            looks += 1
            up.update(part.name for part in self._parts if part.alive and part.ready())
            held += self._held()
            if (now := time.monotonic()) - told >= EVERY:
                shares = ", ".join(f"{part.name} {up[part.name] / looks:.0%}" for part in self._parts)
                print(  # noqa: T201 - the long form
                    f"{now - began:6.0f} s: {self._ended()} jobs; {shares}; partitions {held / looks / PARTITIONS:.0%}",
                    flush=True,
                )
                told, looks, held = now, 0, 0
                up.clear()

    def _held(self) -> int:
        try:
            return len({p for one in self._state.workers.alive() for p in one.partitions})
        except TryAgain:
            return 0
