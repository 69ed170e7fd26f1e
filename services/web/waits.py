"""Requests that wait: for a job's end, its events, a preview. Only so many may, so that others are always served."""

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
"""Seconds after which somebody for whom there was no place may ask again."""
PREVIEWS = 8
"""Those who may wait for a preview at once, at most: one is made at a time."""
SLICE = 2.0
"""Seconds after which a waiting request looks whether the process is stopping."""


class Waits:
    """Places for requests that take long: three quarters of the threads.

    Half of these may listen, and as many, but no more than eight, wait for a preview.
    """

    def __init__(self, parts: Parts) -> None:
        self._jobs = parts.state.jobs
        self._stopping = parts.stopping
        most = parts.settings.web.web_threads * 3 // 4
        self._places = BoundedSemaphore(most)
        self._listeners = _Share((most + 1) // 2)
        self._previews = _Share(min(PREVIEWS, (most + 1) // 2))

    def end(self, id: str, seconds: float) -> Job | None:
        """Return the job when it has ended, or as it stands when the time is over; None when all places are taken.

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
        """Take a place for a listener and return what leaves it; raise Refusal("too-many-listeners")."""
        if leave := self._take(self._listeners):
            return leave
        said, most = "Too many requests are already listening or waiting.", self._listeners.most
        raise Refusal("too-many-listeners", said, limit=most, setting="PIXO_WEB_THREADS", again=AGAIN)

    def preview(self) -> Callable[[], None]:
        """Take a place for one who wants a preview and return what leaves it; raise Refusal("too-many-previews")."""
        if leave := self._take(self._previews):
            return leave
        said, most = "Too many requests are already waiting or making previews.", self._previews.most
        raise Refusal("too-many-previews", said, limit=most, setting="PIXO_WEB_THREADS", again=AGAIN)

    def _take(self, share: "_Share") -> Callable[[], None] | None:
        with ExitStack() as taken:
            for places in (share.places, self._places):
                if not places.acquire(blocking=False):
                    return None
                taken.callback(places.release)
            return taken.pop_all().close


class _Share:
    """So many of the places."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.places = BoundedSemaphore(most)


def seconds(text: str | None) -> float:
    """Read the parameter ``wait``; raise Refusal("bad-field")."""
    try:
        value = float(text or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise Refusal("bad-field", "`wait` must be a number of seconds from 0 to 60.", measured=text, limit=LONGEST)
    return value
