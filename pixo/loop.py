"""The loop of every consuming role: poll, handle, finish, mark as done; stop without losing anything.

Three threads, each with one job. The polling thread is the caller's and does no work itself, so that the consumer
group sees a live member however long a record takes. The work thread runs ``handle``, one record at a time. The finish
thread runs what ``handle`` returned, which mostly waits for store and Kafka, while the next record is being handled.
"""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from pixo import logs, metrics
from pixo.broker import Consumer, Record
from pixo.errors import BadRecord, TryAgain
from pixo.signals import AnyStop

log = logs.logger(__name__)

T = TypeVar("T")
Finish = Callable[[], None]
Handle = Callable[[Record], Finish | None]

_POLL = 0.2
"""Longest wait of a tick, seconds: how late a stop or a rebalance may be noticed."""
_GRACE = 1.0
"""Seconds that the loop may be full before it pauses the consumer. Until then it does not poll either; a pause
throws away what was fetched ahead, which costs 30 ms and more a record."""
_LONGEST = 2.0
"""Longest wait before a step is tried again, seconds."""


class Loop:
    """Takes a consumer's records through ``handle``, at most ``limit`` of them inside at once.

    ``handle(record)`` runs in the work thread; the callable that it returns, if any, in the finish thread; then
    the record is done. From either, TryAgain repeats that step, after a growing while, for as long as it takes;
    BadRecord goes to ``on_bad(record, error)``, in the finish thread, and the record is done. Any other exception
    ends the loop: ``tick`` raises it, and the process that it was meant to end starts over.
    """

    def __init__(
        self,
        consumer: Consumer,
        handle: Handle,
        *,
        limit: int = 2,
        name: str = "loop",
        clock: Callable[[], float] = time.monotonic,
        on_bad: Callable[[Record, BadRecord], None] | None = None,
        budget: float = 20.0,
    ) -> None:
        self.name = name
        self.progress = clock()
        """When the loop last turned, by the clock: its age says whether the process lives."""
        self._consumer = consumer
        self._handle = handle
        self._limit = limit
        self._clock = clock
        self._on_bad = on_bad or _say
        self._budget = budget
        self._full_since: float | None = None
        self._paused = False
        # Touched by all three threads, under the condition; notified when a record leaves or a step fails.
        self._changed = threading.Condition()
        self._inside: list[Record] = []
        self._failure: BaseException | None = None
        self._halt = threading.Event()
        self._closing = False
        self._work = _Hand(f"{name}-work")
        self._finish = _Hand(f"{name}-finish")

    @property
    def inside(self) -> int:
        """How many records are in hand: waiting, in work or being finished."""
        return len(self._inside)

    def run(self, stop: AnyStop) -> None:
        """Turn until told to stop, then finish what was begun, leave the group and return."""
        log.event("loop begins", loop=self.name, topic=self._consumer.topic)
        try:
            while not stop.is_set():
                self.tick()
            self.drain()
        finally:
            self._halt.set()
            self._work.end()
            self._finish.end()
            self._consumer.close()
        log.event("loop ended", loop=self.name, topic=self._consumer.topic)

    def tick(self) -> None:
        """Turn once: take one record if there is room. Raises what ended a step."""
        self._beat()
        if self._room():
            self._take(_POLL)

    def drain(self) -> None:
        """Take no more, let go of what was not begun, wait for the rest until the budget is spent."""
        self._closing = True
        deadline = self._clock() + self._budget
        while self._inside and self._clock() < deadline:
            self._beat()
            self._pause()
            self._take(0)
            with self._changed:
                self._changed.wait_for(lambda: self._failure or not self._inside, _POLL)
        self._beat()
        if self._inside:
            log.warning("records left unfinished", loop=self.name, count=len(self._inside))

    def _beat(self) -> None:
        self.progress = self._clock()
        metrics.consumer_last_poll.labels(self._consumer.topic).set_to_current_time()
        if self._failure:
            raise self._failure

    def _room(self) -> bool:
        """Return whether one more record may come in; wait a moment for it, and keep the membership meanwhile."""
        if len(self._inside) >= self._limit:
            with self._changed:
                self._changed.wait_for(lambda: self._failure or len(self._inside) < self._limit, _POLL)
        if len(self._inside) < self._limit:
            self._full_since = None
            if self._paused:
                self._paused = False
                self._consumer.resume()
            return not self._failure
        now = self._clock()
        self._full_since = now if self._full_since is None else self._full_since
        if now - self._full_since >= _GRACE:
            self._pause()
            self._take(0)
        return False

    def _take(self, timeout: float) -> None:
        record = self._consumer.poll(timeout)
        if record is not None:
            with self._changed:
                self._inside.append(record)
            self._work.give(partial(self._guard, record, self._begin))

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._consumer.pause()

    def _begin(self, record: Record) -> None:
        """Do the work; the rest is the finish thread's."""
        if self._closing or self._failure or record.partition not in self._consumer.assigned():
            # There is no use in work that the partition's next holder does again.
            log.debug("record not begun", record=_place(record))
            self._leave(record)
            return
        finish: Finish | None
        try:
            finish = self._again(partial(self._handle, record))
        except BadRecord as error:
            finish = partial(self._on_bad, record, error)
        if finish is None:
            self._done(record)
        else:
            self._finish.give(partial(self._guard, record, partial(self._end, finish)))

    def _end(self, finish: Finish, record: Record) -> None:
        try:
            self._again(finish)
        except BadRecord as error:
            self._again(partial(self._on_bad, record, error))
        self._done(record)

    def _done(self, record: Record) -> None:
        self._consumer.done(record)
        metrics.consumer_records.labels(record.topic).inc()
        self._leave(record)

    def _leave(self, record: Record) -> None:
        with self._changed:
            self._inside.remove(record)
            self._changed.notify_all()

    def _again(self, step: Callable[[], T]) -> T:
        wait = 0.05
        while True:
            try:
                return step()
            except TryAgain as error:
                metrics.retries.labels(error.part).inc()
                log.warning("trying again", loop=self.name, part=error.part, reason=str(error), seconds=wait)
                # Jitter, so that those that one outage stopped do not all come back at once.
                if self._halt.wait(wait * random.uniform(0.5, 1)):  # noqa: S311 - no secret
                    raise
                wait = min(wait * 2, _LONGEST)

    def _guard(self, record: Record, step: Callable[[Record], None]) -> None:
        """Run a step of a record: the boundary that hands every error to the polling thread."""
        try:
            step(record)
        except TryAgain:
            log.warning("record given up for the next holder", loop=self.name, record=_place(record))
        except BaseException as error:  # noqa: BLE001 - raised again by tick
            log.error("loop broken", cause=error, loop=self.name, record=_place(record))
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()


class _Hand:
    """One thread that runs what it is given, in order. A thread that hangs does not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def give(self, job: Callable[[], None]) -> None:
        """Add to what there is to do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def end(self) -> None:
        """End the thread once it has done what it was given; wait for that only if it is about to."""
        self._jobs.put(None)
        if self._thread:
            self._thread.join(0.5)

    def _run(self) -> None:
        while job := self._jobs.get():
            job()


def _say(record: Record, error: BadRecord) -> None:
    log.error("bad record", record=_place(record), reason=str(error))


def _place(record: Record) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"
