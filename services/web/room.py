"""Back-pressure: how many jobs may wait, and when a client that was refused should retry."""

import math
import time
from collections.abc import Callable
from threading import Lock

from pixo.dispatch import Dispatcher
from pixo.errors import Refusal
from pixo.state import State

SETTING = "PIXO_MAX_WAITING"
HEADS = 32
"""Waiting jobs whose plans are looked at: they are the next to leave, and make the room."""
FRESH = 1.0
"""Seconds for which what was found of them counts: refusing must cost little when many are refused."""
SHORTEST, LONGEST = 1.0, 900.0
"""Bounds of the seconds that somebody is told to wait."""
NOBODY = 60.0
"""The same, when no worker lives."""


class Room:
    """Refuses jobs beyond ``most`` waiting ones. Safe to use from many threads.

    Those who are refused are told different times, each a job later than the one before, so that they come
    back as fast as there is room for them and not all at once.
    """

    def __init__(
        self, state: State, dispatcher: Dispatcher, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = state
        self._dispatcher = dispatcher
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._promised = float("-inf")
        self._pace: float | None = None
        self._paced = float("-inf")

    def require(self) -> None:
        """Raise Refusal("too-many-waiting") when there is no room, TryAgain when nobody can tell."""
        waiting = self._state.queue.waiting()
        if waiting < self._most:
            return
        with self._lock:
            seconds = self._turn(waiting)
        if seconds is None:
            when = "no worker is running, so there is no telling when there will be room"
        else:
            when = f"there should be room in {seconds:.0f} s"
        raise Refusal(
            "too-many-waiting",
            f"{waiting} jobs are already waiting for their turn; {when}.",
            measured=waiting,
            limit=self._most,
            setting=SETTING,
            again=math.ceil(NOBODY if seconds is None else seconds),
        )

    def _turn(self, waiting: int) -> float | None:
        """Return the seconds until it is this one's turn; None when no worker lives."""
        now = self._clock()
        if now - self._paced > FRESH:
            self._pace, self._paced = self._measure(), now
        if self._pace is None:
            return None
        first = now + self._pace * (waiting - self._most + 1)
        # Not further than one more queue: those who come again without waiting must not send all others away for long.
        last = min(first + self._pace * self._most, now + LONGEST)
        self._promised = min(max(first, self._promised + self._pace), last)
        return max(SHORTEST, math.ceil(self._promised - now))

    def _measure(self) -> float | None:
        """Return the seconds in which the live workers, by the plans, do one of the jobs that are next."""
        workers = len(self._dispatcher.workers())
        jobs = self._state.jobs.read_many(self._state.queue.first(HEADS))
        plans = [job.plan for job in jobs if job is not None and job.plan is not None]
        if not workers or not plans:
            return None
        return sum(plan.seconds for plan in plans) / len(plans) / workers
