"""SIGTERM and SIGINT: the first asks to stop, the second ends the process at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

EXIT_FORCED = 130
"""Exit code of a process that was told to stop twice."""


class Stop:
    """A threading.Event that may be set from a signal handler.

    The handler runs in the middle of whatever the main thread does; an Event's lock could be the main thread's
    own at that moment, and would then never be free again.
    """

    def __init__(self) -> None:
        self._set = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def is_set(self) -> bool:
        """Return whether to stop."""
        return self._set

    def set(self) -> None:
        """Ask to stop."""
        if not self._set:
            self._set = True
            self._gate.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until asked to stop, for at most that many seconds; return whether it was asked."""
        if not self._set and self._gate.acquire(timeout=-1 if timeout is None else timeout):
            self._gate.release()  # for the others that wait
        return self._set


AnyStop = Stop | threading.Event
"""What is set to have somebody stop, and waited for; an Event where no signal sets it."""


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Return a Stop that SIGTERM and SIGINT set; a second one ends the process at once, with code 130.

    The handlers of before are back after the block. Only the main thread may enter it.
    """
    stop = Stop()

    def heed(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_FORCED)
        stop.set()

    before = {number: signal.signal(number, heed) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
