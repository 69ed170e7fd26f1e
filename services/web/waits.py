"""Requests that wait for a job's end or listen to its events. Only so many may, so that others are always served."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import BoundedSemaphore

from pixo.errors import Refusal
from pixo.state.records import Job
from services.web import lookup
from services.web.parts import Parts

LONGEST = 60.0
AGAIN = 5
"""Seconds after which a listener for whom there was no place may ask again."""
SLICE = 2.0
"""Seconds after which a waiting request looks whether the process is stopping."""


class Waits:
    """Places for waiting requests: three quarters of the threads, half of these for such as listen."""

    def __init__(self, parts: Parts) -> None:
        self._jobs = parts.state.jobs
        self._stopping = parts.stopping
        most = max(1, parts.settings.web.web_threads * 3 // 4)
        self._places = BoundedSemaphore(most)
        self.listeners = max(1, most // 2)
        self._listeners = BoundedSemaphore(self.listeners)

    def end(self, id: str, seconds: float) -> Job | None:
        """Give the job when it has ended, or as it stands when the time is over; None when all places are taken.

        Raises Refusal("expired") when it was deleted.
        """
        if not self._places.acquire(blocking=False):
            return None
        try:
            deadline = time.monotonic() + seconds
            while True:
                left = deadline - time.monotonic()
                job = self._jobs.wait_end(id, min(left, SLICE))
                if job is None or not job.live or left <= SLICE or self._stopping():
                    return job and lookup.present(job)
        finally:
            self._places.release()

    def listen(self) -> Callable[[], None]:
        """Take a place for a listener and give what leaves it; raise Refusal("too-many-listeners")."""
        with ExitStack() as taken:
            for places in (self._listeners, self._places):
                if not places.acquire(blocking=False):
                    raise Refusal(
                        "too-many-listeners",
                        "Too many requests listen or wait already; ask for the job itself meanwhile.",
                        limit=self.listeners,
                        setting="PIXO_WEB_THREADS",
                        again=AGAIN,
                    )
                taken.callback(places.release)
            return taken.pop_all().close


def seconds(text: str | None) -> float:
    """Read the parameter ``wait``; raise Refusal("bad-field")."""
    try:
        value = float(text or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise Refusal("bad-field", "`wait` is a number of seconds from 0 to 60.", measured=text, limit=LONGEST)
    return value
