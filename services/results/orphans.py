"""Compares the store with the list of jobs: what Redis lost is listed again, what nobody owns is removed."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pixo import logs, metrics
from pixo.state import State
from pixo.store import Blob, NoSuchBlob, Store, names
from services.results.records import read_record

PERIOD = 3600.0
YOUNG = 3600.0
"""Seconds for which bytes without job.json may be an upload under way."""
ALL = "jobs/"

log = logs.logger(__name__)


class Found(NamedTuple):
    """What lies under one job's prefix."""

    recorded: bool
    """Whether job.json is there."""
    newest: float
    """When the newest blob was written, unix time in seconds."""


class Orphans:
    """One ``round`` lists the whole store once: at the start, when Redis was found empty, and hourly."""

    def __init__(
        self, *, state: State, store: Store, restored: Callable[[], object], clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._store = store
        self._restored = restored
        self._clock = clock
        self._next = float("-inf")

    def round(self) -> None:
        """Look whether it is time, or Redis has lost its memory; if so compare. Raises TryAgain."""
        now = self._clock()
        if self._state.queue.compared() and now < self._next:
            return
        listed = 0
        for id_, found in survey(self._store.list(ALL)).items():
            if found.recorded:
                listed += self._list(id_)
            elif now - found.newest > YOUNG:
                self._remove(id_)
        if listed:
            log.event("jobs found in the store and listed", jobs=listed)
            self._restored()
        # Last: whoever is cut off before this has compared nothing, and somebody else does it within seconds.
        self._state.queue.note_compared()
        self._next = now + PERIOD

    def _list(self, id_: str) -> int:
        if self._state.queue.listed(id_):
            return 0
        try:
            spec = read_record(self._store, id_)
        except NoSuchBlob:
            return 0
        if spec is None:
            return 0
        self._state.queue.add(id_, round(spec.created * 1000))
        metrics.results_repairs.labels("list").inc()
        return 1

    def _remove(self, id_: str) -> None:
        job = self._state.jobs.read(id_)
        if job is not None and job.live:
            return
        # The listing took a while: whoever sends again with the key of what broke off may have written anew.
        found = survey(self._store.list(names.prefix(id_))).get(id_)
        if found and not found.recorded and self._clock() - found.newest > YOUNG:
            log.event("bytes without a job removed", job=id_)
            self._store.delete_prefix(names.prefix(id_))
            metrics.results_repairs.labels("remove").inc()


def survey(blobs: Iterable[Blob]) -> dict[str, Found]:
    """Return what there is of each job."""
    found: dict[str, Found] = {}
    for blob in blobs:
        id_ = blob.key.split("/")[1]
        before = found.get(id_, Found(recorded=False, newest=0.0))
        recorded = before.recorded or blob.key == names.job_record(id_)
        found[id_] = Found(recorded, max(before.newest, blob.modified))
    return found
