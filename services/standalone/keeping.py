"""Keep a child running: when it ends, say so and start it again, later each time that it ends at once."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from pixo import logs
from pixo.errors import ConfigError
from pixo.startup import EXIT_CONFIG
from services.standalone.children import Child, exit_text

log = logs.logger(__name__)

LONGEST_PAUSE = 15.0
HEALTHY = 30.0
LEAST = 0.5
"""Seconds until a child is tried again that could not even be started."""


class Pauses:
    """How long to wait before each new start: not at all for the first, then half a second, doubling."""

    def __init__(self, clock: Callable[[], float], unit: float = 0.5) -> None:
        self._clock = clock
        self._unit = unit
        self._failures = 0
        self._started = clock()

    @property
    def failures(self) -> int:
        """Ends in a row, each within half a minute of its start."""
        return self._failures

    def started(self) -> None:
        """Note that the child starts now."""
        self._started = self._clock()

    def ended(self) -> float:
        """Note that it has ended; return the seconds to wait."""
        self._failures = 0 if self._clock() - self._started > HEALTHY else self._failures + 1
        return 0.0 if self._failures <= 1 else min(self._unit * 2 ** (self._failures - 2), LONGEST_PAUSE)


async def keep(
    child: Child, start: Callable[[], Awaitable[None]], pauses: Pauses, *, give_up: Callable[[], int | None]
) -> None:
    """Start the child again whenever it ends, until cancelled.

    ``give_up`` tells after how many ends in a row to raise ConfigError with its last line; None: never.
    """
    while True:
        pauses.started()
        try:
            await start()
            code = await child.ended()
        except OSError as error:  # a full disk, no more processes: the others are not to end of it
            await _later(child, pauses, give_up(), error)
            continue
        if child.dismissed:
            continue
        pause = pauses.ended()
        most = give_up()
        if most is not None and (pauses.failures >= most or code == EXIT_CONFIG):
            words = f": {child.last[-1]}" if child.last else ""
            raise ConfigError(f"{child.name} does not start ({exit_text(code)}){words}")
        said = {"said": child.last_words} if child.last_words and code != -signal.SIGKILL else {}
        log.warning("child ended", child=child.name, exit=exit_text(code), again_in=pause, **said)
        await asyncio.sleep(pause)


async def _later(child: Child, pauses: Pauses, most: int | None, error: OSError) -> None:
    """Wait until a child that could not be started may be tried again; raise ConfigError if it was tried enough."""
    pause = max(LEAST, pauses.ended())
    if most is not None and pauses.failures >= most:
        raise ConfigError(f"{child.name} cannot be started: {error}") from error
    log.warning("child not started", child=child.name, reason=error, again_in=pause)
    await asyncio.sleep(pause)
