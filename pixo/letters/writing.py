"""Putting records away that will never be processed, and telling `results` which tile died."""

from pixo import injection, letters, messages, metrics
from pixo.broker import Producer, Record
from pixo.errors import BadImage, BadRecord
from pixo.messages import TileDead, TileTask
from pixo.topics import Topics


class Letters:
    """Writes dead letters in the name of one process. Nothing is dropped: what Kafka does not take raises TryAgain."""

    def __init__(self, producer: Producer, topics: Topics, worker: str) -> None:
        self._producer = producer
        self._topics = topics
        self._worker = worker

    def bury(self, record: Record, task: TileTask, reason: str, error: BaseException | None, attempts: int) -> None:
        """Put the task away and report the tile dead, in this order; return when Kafka has both.

        Raises TryAgain("kafka"); doing it again then makes a second letter, which is fine.
        """
        self._put_away(record, reason, error, job=task.job, gen=task.gen, tile=task.tile, attempts=attempts)
        injection.point("worker.after-letter", job=task.job, tile=task.tile)
        dead = TileDead(job=task.job, gen=task.gen, tile=task.tile, reason=reason, worker=self._worker)
        sent = self._producer.send(self._topics.results, messages.encode(dead), key=task.job)
        self._producer.settle([sent])
        metrics.dead_letters.labels("bad_image" if isinstance(error, BadImage) else "attempts").inc()

    def refuse(self, record: Record, error: BadRecord) -> None:
        """Put a record away that cannot be understood; raise TryAgain("kafka")."""
        self._put_away(record, str(error), error)
        metrics.dead_letters.labels("bad_record").inc()

    def _put_away(self, record: Record, reason: str, error: BaseException | None, **named: object) -> None:
        injection.point("worker.before-letter", **named)
        said = letters.headers(record, reason, self._worker, error, **named)
        key = str(named["job"]) if named else None
        sent = self._producer.send(self._topics.dead_letters, record.value, key=key, headers=said)
        self._producer.settle([sent])
