"""What `results` does with what workers report: count, hand out more, join, end."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from pixo import injection, messages, metrics, tracing
from pixo.broker import Producer, Record
from pixo.dispatch import Dispatcher
from pixo.errors import BadRecord, TryAgain
from pixo.loop import Finish
from pixo.messages import TileDead, TileDone
from pixo.state import State
from pixo.state.records import Handout
from pixo.store import names


class Handler:
    """Takes one record after the other; what it returns waits for Kafka, while the next record is handled."""

    def __init__(
        self, *, state: State, dispatcher: Dispatcher, producer: Producer, join: Callable[[str], object]
    ) -> None:
        self._state = state
        self._dispatcher = dispatcher
        self._producer = producer
        self._join = join

    def handle(self, record: Record) -> Finish | None:
        """Let a tile count; return what is left to do before its record is done. Raises BadRecord, TryAgain."""
        message = messages.decode(record.value)
        if isinstance(message, TileDone):
            return self._done(message, record)
        if isinstance(message, TileDead):
            return self._dead(message)
        raise BadRecord(f"{type(message).__name__} does not belong here", record.value or b"")

    def _done(self, done: TileDone, record: Record) -> Finish | None:
        span = tracing.begin("count", done.job, parent=record.headers, tile=done.tile)
        final = names.tile(done.job, done.tile, done.token) if done.sha256 else None
        completion = self._state.jobs.complete(done, final)
        span.end(outcome=completion.status, published=len(completion.tasks))
        injection.point("results.after-complete", job=done.job, tile=done.tile)
        if completion.status == "done":
            return lambda: self._dispatcher.ended(done.job)
        if completion.status == "join":
            self._join(done.job)  # the state says so by itself: the record need not wait for the join
        if completion.status == "dup":
            metrics.results_duplicates.inc()
        if not completion.tasks:
            return None
        return self._published(done, completion)

    def _published(self, done: TileDone, handout: Handout) -> Finish:
        """Send the tasks now; return what waits for Kafka. They were handed out: nobody else will send them soon."""
        sent: Sequence[Future[None]] | None
        try:
            sent = self._dispatcher.publish(done.job, handout)
        except TryAgain:
            sent = None  # not raised from here: the tile would be a duplicate the next time, without tasks

        def settle() -> None:
            nonlocal sent
            if sent is None or any(one.done() and one.exception() for one in sent):
                sent = self._dispatcher.publish(done.job, handout)
            injection.point("results.before-ack", job=done.job, tile=done.tile)
            self._producer.settle(sent)

        return settle

    def _dead(self, dead: TileDead) -> Finish | None:
        if not self._state.jobs.fail_tile(dead.job, dead.gen, dead.tile, dead.reason):
            return None
        return lambda: self._dispatcher.ended(dead.job)
