"""Something done again and again beside a process's main work, in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Self


class Beside:
    """Calls ``act`` every ``seconds`` as long as it is entered, the first time after the first of them.

    What ``act`` raises ends the thread: it sees to its errors itself. ``Periodic`` is for a role's rounds, which do.
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
            self._act()
