"""A call for each of many things, several at a time, in threads that do not keep the process from ending."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Many(Generic[T]):
    """Calls ``act`` with each of the things (one at least), ``at_once`` of them at a time, from now on."""

    def __init__(self, act: Callable[[T], bool], things: Iterable[T], at_once: int) -> None:
        self._act = act
        self._left = deque(things)
        self._well = True
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._through = threading.Event()
        # Not a pool: Python waits for a pool's threads when it ends, however long their server says nothing.
        self._threads = min(max(1, at_once), len(self._left))
        for _ in range(self._threads):
            threading.Thread(target=self._work, daemon=True).start()

    def end(self) -> bool:
        """Return when all are through: whether ``act`` was true for each. Raises what it raised."""
        self._through.wait()  # no join: one that Ctrl-C interrupts takes its thread for ended (CPython's gh-90882)
        if self._error is not None:
            raise self._error
        return self._well

    def leave(self, seconds: float) -> None:
        """Begin with no other thing, and give those under way so many seconds."""
        with self._lock:
            self._left.clear()
        self._through.wait(seconds)

    def _work(self) -> None:
        try:
            while (thing := self._next()) is not None:
                if not self._act(thing):
                    self._well = False
        except BaseException as error:  # noqa: BLE001 - raised where the end is waited for
            self._error = error
        with self._lock:
            if self._error is not None:
                self._left.clear()
            self._threads -= 1
            if not self._threads:
                self._through.set()

    def _next(self) -> T | None:
        with self._lock:
            return self._left.popleft() if self._left else None
