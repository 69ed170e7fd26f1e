"""When a consumer of the embedded broker may sleep: while it fetches nothing, it costs nothing."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

QUIET = 0.04
"""Seconds that a look lasts: a little less than the fetch under way takes."""
ALERT = 0.5
"""Seconds that it stays awake where there may be a record, nobody knows which. On a machine with much to do a fetch
takes far longer than ``QUIET``."""
DENSE = 0.01
"""Seconds between two records within which it is less work to fetch all the time than to sleep in between."""
LOOK = 2.0
"""Seconds after which one that sleeps looks by itself: how late a record is whose ring was lost."""
PATIENCE = 90.0
"""Seconds for which it stays awake for a record that it was rung for. The broker has that record: if it does not
come the partition is not read, which the watch over a consumer's statistics finds while it fetches, after a minute."""


class Rings(Protocol):
    """A bell."""

    def heard(self, timeout: float) -> Mapping[int, int] | None:
        """Return for what it has rung since the last call, of each partition the newest offset.

        Empty if it has not, for which it waits so many seconds; None if it may have rung for anything.
        """

    def close(self) -> None:
        """Hear no more."""


class Doze:
    """Sleeps when there is nothing to expect, wakes when the bell rings or to look. For the polling thread alone.

    ``following`` gives the offset of a partition's next record, None for a partition of somebody else's.
    """

    def __init__(
        self,
        bell: Rings,
        following: Callable[[int], int | None],
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: float = QUIET,
        alert: float = ALERT,
        look: float = LOOK,
        patience: float = PATIENCE,
    ) -> None:
        self.asleep = False
        self._bell = bell
        self._following = following
        self._clock = clock
        self._quiet = quiet
        self._alert = alert
        self._look = look
        self._patience = patience
        self._until = clock() + alert
        """Until when to be awake whatever happens; in sleep, when to look."""
        self._awaited: dict[int, int] = {}
        self._last = float("-inf")
        """When the latest record came."""
        self._given_up = 0.0
        """When to wait no more for what is awaited."""

    def expect(self) -> None:
        """Be awake: there may well be a record."""
        self._wake(self._alert)

    def met(self) -> None:
        """Take note of a record."""
        last, self._last = self._last, self._clock()
        if self._last - last < DENSE:
            self._wake(self._quiet)

    def woken(self, timeout: float) -> bool:
        """Return whether a sleeping consumer has to wake; wait for that, so many seconds at most."""
        self._listen(max(0.0, min(timeout, self._until - self._clock())))
        if self.asleep and self._clock() >= self._until:
            self._wake(self._quiet)
        return not self.asleep

    def left(self) -> float:
        """Return for how many seconds more to wait for a record, awake."""
        return max(0.0, max(self._until, self._given_up if self._awaited else 0.0) - self._clock())

    def tired(self) -> bool:
        """Return whether to sleep now, there being no record at hand."""
        self._awaited = {place: offset for place, offset in self._awaited.items() if self._lacks(place, offset)}
        # A ring may be ahead of what it rang for.
        self._listen(0)
        if not self.left():
            self.asleep = True
            self._awaited = {}
            self._until = self._clock() + self._look
        return self.asleep

    def close(self) -> None:
        """Hear no more."""
        self._bell.close()

    def _listen(self, timeout: float) -> None:
        rung = self._bell.heard(timeout)
        if rung is None:
            self.expect()
            return
        now = self._clock()
        for partition, offset in rung.items():
            if self._lacks(partition, offset):
                self._wake(0)
                self._awaited[partition] = max(offset, self._awaited.get(partition, 0))
                self._given_up = now + self._patience
            elif self._following(partition) is not None and now - self._last > self._alert:
                self.expect()  # not for a record that came a moment ago: the topic was made anew, and counts from 0

    def _lacks(self, partition: int, offset: int) -> bool:
        following = self._following(partition)
        return following is not None and following <= offset

    def _wake(self, seconds: float) -> None:
        now = self._clock()
        # Of two reasons to be awake the later end counts.
        self._until = now + seconds if self.asleep else max(self._until, now + seconds)
        self.asleep = False
