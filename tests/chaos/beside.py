"""Something done again and again beside a test, in a thread of its own."""

import threading
from typing import Self


class Beside:
    """Calls ``turn`` every ``seconds`` as long as it is entered; for those who say what a turn is."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def turn(self) -> None:
        """Do it once."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.turn()
