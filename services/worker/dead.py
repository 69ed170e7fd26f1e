"""Letters to nobody: what a worker will never process, kept in `dead-letters` with the reason."""

import traceback

from pixo import injection, messages
from pixo.broker import Producer, Record
from pixo.errors import BadRecord
from pixo.messages import TileDead, TileTask
from pixo.topics import Topics

TRACE = 4096
"""Most bytes of a traceback in a header."""


class Letters:
    """Puts records away, and tells `results` which tile died."""

    def __init__(self, producer: Producer, topics: Topics, worker: str) -> None:
        self._producer = producer
        self._topics = topics
        self._worker = worker

    def bury(self, record: Record, task: TileTask, reason: str, error: BaseException | None) -> None:
        """Put the task away and report the tile dead, in this order; return when Kafka has both.

        Raises TryAgain("kafka"); doing it again then makes a second letter, which is fine.
        """
        named = {"job": task.job, "gen": str(task.gen), "tile": str(task.tile)}
        self._put_away(record, reason, error, named)
        injection.point("worker.after-letter", job=task.job, tile=task.tile)
        dead = TileDead(job=task.job, gen=task.gen, tile=task.tile, reason=reason, worker=self._worker)
        sent = self._producer.send(self._topics.results, messages.encode(dead), key=task.job)
        self._producer.settle([sent])

    def refuse(self, record: Record, error: BadRecord) -> None:
        """Put a record away that cannot be understood; raise TryAgain("kafka")."""
        self._put_away(record, str(error), error, {})

    def _put_away(self, record: Record, reason: str, error: BaseException | None, named: dict[str, str]) -> None:
        injection.point("worker.before-letter", **named)
        headers = {
            "reason": reason,
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "timestamp": str(record.timestamp_ms),
            "worker": self._worker,
            **named,
        }
        if error is not None:
            headers["error"] = type(error).__name__
            headers["trace"] = "".join(traceback.format_exception(error))[-TRACE:]
        raw = {name: value.encode() for name, value in headers.items()}
        sent = self._producer.send(
            self._topics.dead_letters, record.value, key=named.get("job"), headers=record.headers | raw
        )
        self._producer.settle([sent])
