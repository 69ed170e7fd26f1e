"""A role's periodic work, in a thread of its own beside its loop; its errors count for the role's health."""

import threading
import time
from collections.abc import Callable
from typing import Self

from pixo import logs
from pixo.errors import TryAgain
from pixo.signals import AnyStop

FAREWELL = 5.0
"""Seconds that the round under way has to end; it may be broken off anywhere, as a crash does."""

log = logs.logger(__name__)


class Periodic:
    """Calls ``act`` every ``seconds``, the first time at once; a context manager.

    TryAgain is logged once per outage, and the next round comes as usual. Any other error is a mistake in the
    program: it is logged, ``failed`` says so, and ``stop`` ends the process, since half a role helps nobody.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        act: Callable[[], object],
        stop: AnyStop,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 120.0,
    ) -> None:
        self.name = name
        self._seconds = seconds
        self._act = act
        self._stop = stop
        self._clock = clock
        self._patience = patience
        self._turned: float | None = None
        self._out_of_reach = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failed = False

    def turn(self) -> None:
        """Do it once."""
        try:
            self._act()
            self._out_of_reach = False
        except TryAgain as error:
            if not self._out_of_reach:
                log.warning("out of reach", who=self.name, part=error.part, reason=error)
            self._out_of_reach = True
        self._turned = self._clock()

    def alive(self) -> bool | str:
        """Return whether it turns, once it has begun: a check for the process's health."""
        if self._turned is None:
            return True
        still = self._clock() - self._turned
        return still < self._seconds + self._patience or f"{self.name} stands still for {still:.0f} s"

    def __enter__(self) -> Self:
        self._turned = self._clock()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(FAREWELL)

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self.turn()
                self._ended.wait(self._seconds)
        except Exception as error:  # noqa: BLE001 - the boundary of this thread: nobody else would see it
            log.error("thread failed", cause=error, who=self.name)
            self.failed = True
            self._stop.set()
