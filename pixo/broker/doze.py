"""When a consumer of the embedded broker may sleep: while it fetches nothing, it costs nothing."""

import time
from collections.abc import Callable
from typing import Protocol

QUIET = 0.04
"""Seconds without a record after which a consumer sleeps: a little less than the fetch under way takes."""
ALERT = 0.5
"""Seconds that it stays awake at least where a record is to be expected. On a machine with much to do a fetch takes far
longer than ``QUIET``: whoever slept over a record that it was rung for would meet it only with the next look."""
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
        self,
        bell: Rings,
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: float = QUIET,
        alert: float = ALERT,
        look: float = LOOK,
    ) -> None:
        self.asleep = False
        self._bell = bell
        self._clock = clock
        self._quiet = quiet
        self._alert = alert
        self._look = look
        self._until = clock() + alert
        """When to fall asleep; in sleep, when to look."""

    def stir(self) -> None:
        """Be awake, from now on for the quiet while at least: a record came, or it is time to look."""
        self._wake(self._quiet)

    def expect(self) -> None:
        """Be awake, and for longer: there may well be a record."""
        self._wake(self._alert)

    def woken(self, timeout: float) -> bool:
        """Return whether a sleeping consumer has to wake; wait for that, so many seconds at most."""
        if self._bell.heard(max(0.0, min(timeout, self._until - self._clock()))):
            self.expect()
        elif self._clock() >= self._until:
            self.stir()
        return not self.asleep

    def left(self) -> float:
        """Return for how many seconds more to wait for a record, awake."""
        return max(0.0, self._until - self._clock())

    def tired(self) -> bool:
        """Return whether to sleep now, there being no record."""
        # A ring may be ahead of what it rang for.
        if self._bell.heard(0):
            self.expect()
        elif not self.left():
            self.asleep = True
            self._until = self._clock() + self._look
        return self.asleep

    def close(self) -> None:
        """Hear no more."""
        self._bell.close()

    def _wake(self, seconds: float) -> None:
        now = self._clock()
        # Of two reasons to be awake the later end counts.
        self._until = now + seconds if self.asleep else max(self._until, now + seconds)
        self.asleep = False
