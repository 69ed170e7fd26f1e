"""Heals what crashes leave behind in active jobs, every few seconds (docs/protocol.md). Two at once are harmless."""

from collections.abc import Callable, Collection, Mapping, Sequence

from pixo import logs, metrics
from pixo.broker import Admin, Producer
from pixo.dispatch import Dispatcher
from pixo.errors import TryAgain
from pixo.marks import Marks, Offsets
from pixo.state import State
from pixo.state.records import Handout
from pixo.topics import Topics

PERIOD = 5.0
LONGEST = 60_000
"""Most milliseconds between two rounds that count as time without a worker: a process that slept saw nothing."""

log = logs.logger(__name__)


class Reconciler:
    """One ``round`` looks at every active job once."""

    def __init__(
        self,
        *,
        state: State,
        admin: Admin,
        producer: Producer,
        dispatcher: Dispatcher,
        topics: Topics,
        join: Callable[[str], object],
    ) -> None:
        self._state = state
        self._admin = admin
        self._producer = producer
        self._dispatcher = dispatcher
        self._topics = topics
        self._join = join
        self._marks = Marks()
        self._last_ms: int | None = None
        self._blind = False

    def round(self) -> None:
        """Publish what was lost, join what is complete, end what is over, use idle workers; raise TryAgain."""
        active = list(self._state.queue.active())
        if not active:
            self._last_ms = None
            self._dispatcher.admit()
            return
        now_ms = self._state.now_ms()
        self._note(now_ms)
        workers = self._state.workers.alive()
        idle_ms = 0 if workers else quiet(self._last_ms, now_ms)
        self._last_ms = now_ms
        left = {}
        for job in active:
            handout = self._state.jobs.recheck(job, None, self._marks.safe, self._marks.results_safe, idle_ms)
            left[job] = handout.left if handout.status == "ok" else 0
            self._act(job, handout, active)
        self._occupy([worker.partitions for worker in workers], left)
        self._dispatcher.admit()

    def _note(self, now_ms: int) -> None:
        try:
            tasks = self._look(self._topics.tasks, self._topics.workers)
            results = self._look(self._topics.results, self._topics.stitchers)
        except TryAgain as error:
            # What was safe stays safe, and joins and ends need no Kafka.
            if not self._blind:
                log.warning("no look at the offsets: what is lost is not found meanwhile", reason=error)
            self._blind = True
            return
        self._blind = False
        self._marks.note(now_ms, tasks, results)

    def _look(self, topic: str, group: str) -> Offsets:
        # Committed first: an end read before would make consumed what was not.
        committed = self._admin.committed(group, topic)
        return Offsets(starts=self._admin.starts(topic), ends=self._admin.ends(topic), committed=committed)

    def _act(self, job: str, handout: Handout, active: Sequence[str]) -> None:
        match handout.status:
            case "gone" | "ended" | "failed":
                metrics.results_repairs.labels("end").inc()
                self._dispatcher.ended(job)
            case "queued":
                metrics.results_repairs.labels("start").inc()
                self._producer.settle(self._dispatcher.start(job, active))
            case "join":
                metrics.results_repairs.labels("join").inc()
                self._join(job)
            case _:
                self._publish(job, handout, "tasks published again, or lanes filled", "publish")

    def _occupy(self, workers: Sequence[Collection[int]], left: dict[str, int]) -> None:
        """Give workers without anything to do a lane of the job with most tiles not yet given out."""
        if not any(left.values()):
            return
        load = self._state.jobs.load(list(left))
        for lane in idle(workers, load):
            job = max(left, key=lambda one: left[one])
            handout = self._state.jobs.take(job, lane)
            self._publish(job, handout, "lane for an idle worker", "occupy")
            # Half of them are that lane's now: for the next one there may be more elsewhere.
            left[job] = handout.left // 2

    def _publish(self, job: str, handout: Handout, what: str, action: str) -> None:
        if handout.tasks:
            metrics.results_repairs.labels(action).inc()
            log.event(what, job=job, tiles=len(handout.tasks))
            self._producer.settle(self._dispatcher.publish(job, handout))


def quiet(last_ms: int | None, now_ms: int) -> int:
    """Return the time without a worker between two rounds that found none."""
    return 0 if last_ms is None else min(max(0, now_ms - last_ms), LONGEST)


def idle(workers: Sequence[Collection[int]], load: Mapping[int, int]) -> list[int]:
    """Return one partition of every worker that holds some and has no tile out on any of them."""
    return [min(held) for held in workers if held and not any(load.get(p, 0) for p in held)]
