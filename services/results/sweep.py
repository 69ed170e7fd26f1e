"""Goes over all listed jobs every minute and repairs what the reconciler does not see: indexes, records, bytes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from pixo import logs, metrics
from pixo.dispatch import Dispatcher
from pixo.errors import TryAgain
from pixo.state import State
from pixo.state.records import End, Job
from pixo.store import NoSuchBlob, Store, names
from services.results.records import read_record
from services.results.verdicts import LASTING, Step, steps

PERIOD = 60.0
PAGE = 200
MOST_FAILURES = 3
"""Jobs in a row that cannot be seen to, for want of a part, before the round is left."""

log = logs.logger(__name__)


class Sweep:
    """One ``round`` looks at every listed job once. Remembers what is settled, so that the store is not asked again."""

    def __init__(
        self, *, state: State, store: Store, dispatcher: Dispatcher, clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock
        self._settled: dict[tuple[str, int, str], set[Step]] = {}

    def round(self) -> None:
        """Repair what needs it; raise TryAgain, with what was out of reach left for the next round."""
        active = self._state.queue.active()
        trouble = _Trouble()
        seen: set[tuple[str, int, str]] = set()
        cursor: str | None = None
        while True:
            page = self._state.queue.page(PAGE, cursor)
            for id_, job in zip(page.ids, self._state.jobs.read_many(page.ids), strict=True):
                seen.add(_life(id_, job))
                with trouble.of(id_):
                    self._see(id_, job, active=id_ in active)
            cursor = page.cursor
            if cursor is None:
                break
        self._settled = {life: done for life, done in self._settled.items() if life in seen}
        self._dispatcher.admit()
        trouble.tell()

    def _see(self, id_: str, job: Job | None, *, active: bool) -> None:
        settled = self._settled.setdefault(_life(id_, job), set())
        waiting = job is not None and job.status == "queued" and self._state.queue.enrolled(id_)
        for step in steps(job, self._clock(), active=active, waiting=waiting, settled=settled):
            self._take(step, id_, job)
            metrics.results_repairs.labels(step).inc()
            if step in LASTING:
                settled.add(step)

    def _take(self, step: Step, id_: str, job: Job | None) -> None:
        match step:
            case "restore":
                self._restore(id_)
            case "erase":
                self._dispatcher.erase(id_)
            case "expire":
                self._expire(id_)
            case "empty":
                self._store.delete_prefix(names.prefix(id_))
            case "enrol" if job is not None:
                log.event("job found outside the queue", job=id_)
                self._dispatcher.enrol(id_, job)
            case "activate" if job is not None:
                log.event("job found at work but not active", job=id_)
                self._state.queue.activate(id_, job.small)
            case "record" if job is not None:
                self._record(id_, job)
            case "trim" if job is not None:
                self._trim(id_, job)

    def _restore(self, id_: str) -> None:
        try:
            spec = read_record(self._store, id_)
        except NoSuchBlob:
            self._state.queue.remove(id_)
            self._state.queue.release(id_)
            return
        if spec is None:
            return
        end = self._end(id_)
        if end is not None and end.r != spec.r:
            end = None  # a client has retried it since
        if self._state.jobs.create(spec, end):
            log.event("job restored from the store", job=id_, ended=end is not None)
        job = self._state.jobs.read(id_)
        if job is not None and job.status == "queued":
            self._dispatcher.enrol(id_, job)

    def _end(self, id_: str) -> End | None:
        try:
            return msgspec.json.decode(self._store.get(names.end(id_)), type=End)
        except NoSuchBlob:
            return None
        except msgspec.MsgspecError as error:
            log.warning("the record of an end cannot be read", job=id_, reason=error)
            return None

    def _expire(self, id_: str) -> None:
        if self._state.jobs.expire(id_):
            self._store.delete(names.job_record(id_))
            self._store.delete_prefix(names.prefix(id_))
            log.event("job expired", job=id_)

    def _record(self, id_: str, job: Job) -> None:
        known = self._end(id_)
        if job.end is not None and known != job.end:
            self._store.put(names.end(id_), msgspec.json.encode(job.end))

    def _trim(self, id_: str, job: Job) -> None:
        """Remove pieces, and finals that did not count."""
        kept = {names.source(id_), names.job_record(id_), names.end(id_), job.final}
        self._store.delete(*(blob.key for blob in self._store.list(names.prefix(id_)) if blob.key not in kept))


class _Trouble:
    """Keeps what one job has from the others: the round goes on, unless a part is out of reach for all of them."""

    def __init__(self) -> None:
        self._first: TryAgain | None = None
        self._in_a_row = 0

    @contextmanager
    def of(self, id_: str) -> Iterator[None]:
        """See to one job; raise TryAgain if that could not be done to so many in a row."""
        try:
            yield
            self._in_a_row = 0
        except TryAgain as error:
            log.warning("job not seen to", job=id_, part=error.part, reason=error)
            self._first = self._first or error
            self._in_a_row += 1
            if self._in_a_row >= MOST_FAILURES:
                raise

    def tell(self) -> None:
        """Raise what the first of them had."""
        if self._first:
            raise self._first


def _life(id_: str, job: Job | None) -> tuple[str, int, str]:
    """Return what a settled step holds for: a job in one state of one generation."""
    return (id_, job.gen, job.status) if job is not None else (id_, 0, "")
