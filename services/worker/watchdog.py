"""Ends a worker whose tile takes too long: native code that hangs can be stopped in no other way."""

import os
from collections.abc import Callable

from pixo import logs
from pixo.ticker import Ticker
from services.worker.activity import Activity

STUCK = 75
"""Exit code: the work on a tile went past ``PIXO_TILE_TIMEOUT``. The attempt stays counted."""
PERIOD = 1.0

log = logs.logger(__name__)


class Watchdog(Ticker):
    """Looks at the activity every second, in a thread of its own; a context manager.

    ``rest`` is called at every look at which no tile is overdue.
    """

    def __init__(
        self,
        activity: Activity,
        timeout: float,
        *,
        rest: Callable[[], None] = lambda: None,
        exit_hard: Callable[[int], object] = os._exit,
    ) -> None:
        self._activity = activity
        self._timeout = timeout
        self._rest = rest
        self._exit = exit_hard
        super().__init__("watchdog", PERIOD, self.look)

    def look(self) -> None:
        """End the process, without any more words to anyone, when the tile in hand is overdue."""
        if self._activity.overdue(self._timeout):
            log.error("tile takes too long, ending this worker", timeout=self._timeout)
            self._exit(STUCK)
            return
        self._rest()
