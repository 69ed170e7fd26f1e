"""Which jobs may run, on which lanes; publishing their tiles to Kafka; what follows when one has ended.

Shared by web, which starts things, and results, which keeps them going. The order of steps is that of docs/protocol.md:
a crash between any two of them leaves something that the reconciler or a sweep finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from pixo import injection, lanes, logs, messages, metrics, tracing
from pixo.broker import Admin, Producer
from pixo.imaging.plan import Plan
from pixo.imaging.planner import runs
from pixo.messages import TileTask
from pixo.state import State
from pixo.state.records import End, Handout, Job, Spec, Worker
from pixo.store import Store, names
from pixo.topics import Topics

PARTITIONS_FOR = 10.0
"""Seconds for which a number of partitions is cached."""
WORKERS_FOR = 1.0
"""Seconds for which a list of live workers is cached."""
BATCH = 8
"""Waiting jobs of each class that are looked at together."""

log = logs.logger(__name__)

T = TypeVar("T")


class Dispatcher:
    """Admits jobs, publishes their tiles, clears up after them. Safe to use from several threads.

    ``clock`` is a monotonic one, in seconds.
    """

    def __init__(
        self,
        state: State,
        producer: Producer,
        topics: Topics,
        clock: Callable[[], float],
        *,
        store: Store,
        admin: Admin,
    ) -> None:
        self._state = state
        self._store = store
        self._producer = producer
        self._topics = topics
        self._partitions = _Kept(lambda: admin.partitions(topics.tasks), PARTITIONS_FOR, clock)
        self._workers = _Kept(state.workers.alive, WORKERS_FOR, clock)
        self._turn = count()

    def partitions(self) -> int:
        """Return today's number of partitions of `tasks`; raise TryAgain("kafka")."""
        return self._partitions()

    def workers(self) -> list[Worker]:
        """Return the workers that live; raise TryAgain("redis")."""
        return self._workers()

    def publish(self, id: str, handout: Handout) -> list[Future[None]]:
        """Send the tasks that were handed out to their lanes; the caller settles the futures."""
        plan = handout.plan
        if plan is None:
            return []
        width = self.partitions()
        metrics.tasks_published.inc(len(handout.tasks))
        sent, headers = [], tracing.headers(id)
        for task in handout.tasks:
            injection.point("dispatch.while-publishing", job=id, tile=task.tile)
            record = TileTask(job=id, gen=task.gen, tile=task.tile, lane=task.lane, until=task.until, plan=plan)
            partition = task.lane % width
            value = messages.encode(record)
            sent.append(self._producer.send(self._topics.tasks, value, partition=partition, headers=headers))
        return sent

    def enrol(self, id: str, known: Spec | Job | None = None) -> None:
        """Let a queued job wait for its turn; what is known about it need not be read again."""
        job = known or self._state.jobs.read(id)
        if job is not None:
            self._state.queue.enrol(id, round(job.created * 1000), job.small, job.weight)

    def admit(self) -> None:
        """Start waiting jobs, best first, while there are slots for their class; return when Kafka has the tasks.

        Raises TryAgain; what was claimed until then is started by the reconciler.
        """
        sent: list[Future[None]] = []
        more = True
        while more:
            waiting = self._state.queue.candidates(BATCH)
            limit, reserve = lanes.limits(max(1, len(self.workers())))
            full: set[bool] = set()
            for one in waiting:
                if one.small in full:
                    continue
                if self._state.queue.claim(one.id, one.small, limit, reserve):
                    injection.point("dispatch.after-claim", job=one.id)
                    active = self._state.queue.leave(one.id)
                    sent += self.start(one.id, active, alone=len(waiting) == 1)
                else:
                    full.add(one.small)
            more = len(waiting) >= BATCH and not full
        self._producer.settle(sent)

    def start(self, id: str, active: Sequence[str], *, alone: bool = False) -> list[Future[None]]:
        """Start one of the active jobs, if it is queued, and send its first tasks; ``alone`` if no other job waits."""
        job, load = self._state.jobs.read_with_load(id, active)
        if job is None or not job.live or job.plan is None:
            self._state.queue.release(id)
            return []
        if job.status != "queued":
            return []
        # A retried job may have all its tiles: the reconciler sees to that.
        handout = self._state.jobs.start(id, self._runs(job.plan, load, alone=alone and len(active) <= 1))
        log.event("job started", job=id, tiles=job.total, lanes=len({task.lane for task in handout.tasks}))
        injection.point("dispatch.after-start", job=id)
        return self.publish(id, handout)

    def retry(self, id: str, r: int) -> bool:
        """Queue a failed or cancelled job again as retry number ``r``, finished tiles kept; False in another state.

        Raises NoSuchBlob when the upload is gone, TryAgain. Admission is the caller's.
        """
        record = msgspec.json.decode(self._store.get(names.job_record(id)), type=Spec)
        self._store.put(names.job_record(id), msgspec.json.encode(replace(record, r=r)))
        if not self._state.jobs.retry(id, r):
            return False
        self.enrol(id)
        return True

    def ended(self, id: str) -> None:
        """Record how a job ended, free its slot and give it to the next; raise TryAgain."""
        self.conclude(id)
        self.admit()

    def conclude(self, id: str) -> None:
        """Record beside the source how a job ended, and free its slot; needs no Kafka; raise TryAgain."""
        job = self._state.jobs.read(id)
        if job is not None and job.live:
            return  # begun again meanwhile
        end = None if job is None else job.end
        if end is not None:
            self._store.put(names.end(id), msgspec.json.encode(end))
            injection.point("dispatch.after-end", job=id)
        if self._state.queue.release(id) and job is not None and end is not None:
            _tell(job, end)
            self._store.release(*filter(None, (names.source(id), end.final)))

    def delete(self, id: str) -> bool:
        """Delete a job for good; False if there is no such job; raise TryAgain.

        The state goes first and is on disk before any bytes go: whatever is cut off here, a sweep does the rest.
        """
        found = self._state.jobs.delete(id)
        self.erase(id)
        return found

    def erase(self, id: str) -> None:
        """Remove what a deleted job left in the store and in the queue; raise TryAgain."""
        self._store.delete(names.job_record(id))  # before the rest, for it alone could bring the job back
        self._store.delete_prefix(names.prefix(id))
        self._state.queue.remove(id)
        self._state.queue.release(id)

    def _runs(self, plan: Plan, load: Mapping[int, int], *, alone: bool) -> Sequence[tuple[int, int, int]]:
        chosen = lanes.choose(
            [worker.partitions for worker in self.workers()],
            self.partitions(),
            load,
            tiles=plan.tiles,
            alone=alone,
            turn=next(self._turn),
        )
        # The planner may find that fewer runs are better: more would only repeat each other's decoding.
        return [(lane, first, end) for lane, (first, end) in zip(chosen, runs(plan, len(chosen)), strict=False)]


def _tell(job: Job, end: End) -> None:
    tracing.ended(job, end)
    metrics.jobs_completed.labels(end.status).inc()
    metrics.job_duration.labels("small" if job.small else "bulk").observe(max(0.0, end.finished - job.created))
    error = {"error": end.error} if end.error else {}
    log.event("job ended", job=job.id, status=end.status, seconds=round(end.finished - job.created, 3), **error)


class _Kept(Generic[T]):
    """A cached value, asked for again after some seconds."""

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._value: tuple[T, float] | None = None
        """With when it is to be asked for again."""

    def __call__(self) -> T:
        now = self._clock()
        if self._value is None or now >= self._value[1]:
            self._value = self._ask(), now + self._seconds
        return self._value[0]
