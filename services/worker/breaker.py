"""A circuit breaker: when job after job fails in one worker, the fault is the worker's, not the images'.

A tile that no attempt could make costs its job. That is right for a poison tile and wrong for a bad deployment, in
which every tile fails: the letters of one such night are the whole night's work. So a worker counts whose tiles fail
in it, for reasons that no image explains, and gives up at a bound; what it held stays in Kafka for others.
"""

from collections import OrderedDict

from pixo import metrics
from pixo.errors import Fatal

EXIT_BREAKER = 76
"""Exit code: job after job failed in this worker; it rested, and wants to be tried anew."""
REST = 300.0
"""Seconds that such a worker stays, unready and without work, before it ends: a rollout that waits for it to be ready
stops meanwhile, and a worker that is started again and again buries four jobs in so many seconds at most."""
IN_A_ROW = 5
"""So many jobs that fail one after the other, without one tile made between, are no chance: of images as they come,
one in thousands makes a filter fail."""
RECENT = 16
MOST = 8
"""So many of the ``RECENT`` jobs last seen are too many as well: a part of the deployment is broken."""


class Tripped(Fatal):
    """Raised instead of one more dead letter."""


class Breaker:
    """Counts jobs, not tiles: the first dead tile of a job ends it. Used by the work thread, read by others."""

    def __init__(self) -> None:
        self._row: set[str] = set()
        self._recent: OrderedDict[str, bool] = OrderedDict()
        self._why = ""

    def made(self, job: str) -> None:
        """Take note that a tile of the job was made."""
        self._row.clear()
        self._note(job, failed=self._recent.get(job, False))

    def failed(self, job: str, reason: str) -> None:
        """Take note that a tile of the job cannot be made; raise Tripped when that is one job too many."""
        if self._why:  # what was in hand when it tripped
            raise Tripped(self._why)
        self._row.add(job)
        self._note(job, failed=True)
        share = sum(self._recent.values())
        if len(self._row) >= IN_A_ROW:
            self._why = f"{len(self._row)} jobs in a row failed in this worker, the last: {reason}"
        elif share >= MOST:
            self._why = f"{share} of the last {len(self._recent)} jobs failed in this worker, the last: {reason}"
        if self._why:
            metrics.worker_breaker.set(1)
            raise Tripped(self._why)

    def check(self) -> bool | str:
        """Return whether the worker may take work: a check of its readiness."""
        return self._why or True

    def _note(self, job: str, *, failed: bool) -> None:
        self._recent[job] = failed
        self._recent.move_to_end(job)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
