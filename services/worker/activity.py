"""What a worker is doing: for its heartbeat, and for the watchdog that ends a process stuck in a tile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Activity:
    """Counts tiles and the time spent on them; one tile at a time, read by other threads."""

    def __init__(self, clock: Callable[[], float], spent: Callable[[float], object] = lambda _: None) -> None:
        """``spent`` hears the seconds of every tile at its end."""
        self._clock = clock
        self._spent = spent
        self._began: float | None = None
        self._since = 0.0
        self._lock = threading.Lock()
        self._worked = 0.0
        self._told = clock()
        self.tiles = 0

    @contextmanager
    def tile(self) -> Iterator[None]:
        """Count what happens inside as one tile's work."""
        began = self._clock()
        with self._lock:
            self._began = self._since = began
        try:
            yield
        finally:
            ended = self._clock()
            with self._lock:
                self._worked += ended - self._since
                self._began = None
                self.tiles += 1
            self._spent(ended - began)

    def overdue(self, limit: float) -> bool:
        """Return whether the tile in hand has taken more seconds than the limit."""
        began = self._began
        return began is not None and self._clock() - began > limit

    def share(self) -> float:
        """Return the share of the time since the last call that was spent on tiles, 0-1."""
        now = self._clock()
        with self._lock:
            if self._began is not None:
                self._worked += now - self._since
                self._since = now
            worked, told = self._worked, self._told
            self._worked, self._told = 0.0, now
        return min(1.0, worked / (now - told)) if now > told else 0.0
