"""Ends a process whose loop is stuck, where nobody outside probes its health, as in `pixo up`."""

import os
from collections.abc import Callable

from pixo import logs
from pixo.ticker import Ticker

EXIT_STILL = 74
"""Exit code: the loop was stuck, and nothing inside the process could free it."""
PERIOD = 15.0
"""Seconds between two looks."""
LOOKS = 4
"""Bad looks in a row after which the process ends: later than a liveness probe acts, and never at the first look after
the whole process was frozen, when its loop could not turn either."""

log = logs.logger(__name__)


class Lifeguard(Ticker):
    """Asks each of ``alive`` again and again, in a thread of its own; a context manager."""

    def __init__(self, *alive: Callable[[], bool | str], exit_hard: Callable[[int], object] = os._exit) -> None:
        self._alive = alive
        self._exit = exit_hard
        self._bad = 0
        super().__init__("lifeguard", PERIOD, self.look)

    def look(self) -> None:
        """Ask once; end the process when the answer was bad too often in a row."""
        answer = next((said for ask in self._alive if (said := ask()) is not True), True)
        self._bad = 0 if answer is True else self._bad + 1
        if self._bad >= LOOKS:
            log.error("loop is stuck, ending this process", reason=answer)
            self._exit(EXIT_STILL)
