"""When a consumer of the embedded broker may sleep: while it fetches nothing, it costs nothing."""

import time
from collections.abc import Callable
from typing import Protocol

QUIET = 0.04
"""Seconds without a record or a ring after which a consumer sleeps: a little less than the fetch under way takes."""
LOOK = 2.0
"""Seconds after which one that sleeps looks by itself: how late a record is whose ring was lost."""


class Rings(Protocol):
    """A bell."""

    def heard(self, timeout: float) -> bool:
        """Return whether it has rung since the last call; wait for that, so many seconds at most."""

    def close(self) -> None:
        """Hear no more."""


class Doze:
    """Sleeps after a quiet while, wakes when the bell rings or to look. For the polling thread alone."""

    def __init__(
        self, bell: Rings, clock: Callable[[], float] = time.monotonic, *, quiet: float = QUIET, look: float = LOOK
    ) -> None:
        self.asleep = False
        self._bell = bell
        self._clock = clock
        self._quiet = quiet
        self._look = look
        self._since = clock()

    def stir(self) -> None:
        """Be awake, from now on for the quiet while at least."""
        self.asleep = False
        self._since = self._clock()

    def woken(self, timeout: float) -> bool:
        """Return whether a sleeping consumer has to wake; wait for that, so many seconds at most."""
        due = self._since + self._look
        if not self._bell.heard(max(0.0, min(timeout, due - self._clock()))) and self._clock() < due:
            return False
        self.stir()
        return True

    def left(self) -> float:
        """Return for how many seconds more to wait for a record, awake."""
        return max(0.0, self._since + self._quiet - self._clock())

    def tired(self) -> bool:
        """Return whether to sleep now, there being no record."""
        # A ring may be ahead of what it rang for.
        if self._bell.heard(0):
            self.stir()
        elif not self.left():
            self.asleep = True
            self._since = self._clock()
        return self.asleep

    def close(self) -> None:
        """Hear no more."""
        self._bell.close()
