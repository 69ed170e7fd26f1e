"""A call repeated in the background, in a thread of its own, beside a process's main work."""

import threading
from collections.abc import Callable
from typing import Self

from pixo import logs

log = logs.logger(__name__)


class Ticker:
    """Calls ``act`` every ``seconds`` while the context is open, the first time after ``seconds``.

    What ``act`` raises is logged, and the next call comes as usual. ``Periodic`` is for a role's rounds, whose mistakes
    end the process.
    """

    def __init__(self, name: str, seconds: float, act: Callable[[], object]) -> None:
        self._seconds = seconds
        self._act = act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._act()
            except Exception as error:  # noqa: BLE001 - what watches over others must not end by one mistake
                log.error("call failed", cause=error, who=self._thread.name)
