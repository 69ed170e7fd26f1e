"""A consumer in no group, of all partitions of a topic, from now on: what the monitor hears heartbeats by."""

import time
from collections.abc import Callable

import confluent_kafka
import msgspec
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaException, TopicPartition

from pixo import logs, metrics
from pixo.broker import Record, faults
from pixo.broker.profiles import Profile
from pixo.broker.reading import fetched, leave, partitions, read
from pixo.broker.watch import Watch
from pixo.errors import Fatal

log = logs.logger(__name__)


class KafkaTail:
    """Listens; looks for the topic, and for partitions added to it, every ``period`` seconds."""

    def __init__(
        self,
        profile: Profile,
        topic: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        said: faults.Said | None = None,
        watch: Watch | None = None,
        period: float = 15.0,
    ) -> None:
        self.topic = topic
        self._clock = clock
        self._watch = watch or Watch(clock, beyond=10.0)
        self._period = period
        self._due = clock()
        self._held: frozenset[int] = frozenset()
        self._paused = False
        self._closed = False
        self._complaints = faults.Hearing(said or faults.Said(clock))
        self._client = confluent_kafka.Consumer(
            {**profile, "error_cb": self._complaints.take, "stats_cb": self._look}, logger=self._complaints
        )

    @property
    def ready(self) -> bool:
        """Whether the topic was found."""
        return bool(self._held)

    def assigned(self) -> frozenset[int]:
        """Return the partitions that are listened to."""
        return self._held

    def poll(self, timeout: float) -> Record | None:
        """Return the next record, or None; see the protocol."""
        if self._clock() >= self._due:
            self._cover()
        message = self._client.poll(timeout)
        self._complaints.require_none()
        if message is None:
            return None
        if error := message.error():
            self._complaints.take(error)
            return None
        return read(message)

    def pause(self) -> None:
        """Let polls give no records until ``resume``."""
        self._paused = True
        self._client.pause(self._client.assignment())

    def resume(self) -> None:
        """Let polls give records again."""
        self._paused = False
        self._client.resume(self._client.assignment())

    def done(self, record: Record) -> None:
        """Do nothing: nothing is committed."""

    def close(self) -> None:
        """Stop listening; a client that hangs is left behind."""
        if not self._closed:
            self._closed = True
            leave(self._client, self.topic, 5.0)

    def _cover(self) -> None:
        """Listen to the partitions that are not listened to yet: the first ones from now, added ones whole."""
        try:
            added = partitions(self._client, self.topic, timeout=2) - self._held
        except KafkaException as error:
            self._complaints.say(faults.of(error))
            added = frozenset()
        # A topic that is not there yet is looked for more often.
        self._due = self._clock() + (self._period if self._held | added else 0.5)
        if not added:
            return
        start = OFFSET_BEGINNING if self._held else OFFSET_END
        places = [TopicPartition(self.topic, partition, start) for partition in sorted(added)]
        self._client.incremental_assign(places)
        if self._paused:
            self._client.pause(places)
        self._held |= added
        metrics.consumer_partitions.labels(self.topic).set(len(self._held))
        metrics.consumer_rebalances.labels(self.topic).inc()
        log.event("listening", topic=self.topic, partitions=sorted(self._held))

    def _look(self, text: str) -> None:
        stats = msgspec.json.decode(text)
        metrics.consumer_queue_bytes.labels(self.topic).set(fetched(stats, self.topic))
        try:
            beyond = self._watch.look(stats, self.topic, self._held, paused=self._paused)
        except Fatal as error:
            self._complaints.keep(error)
            return
        for partition in beyond:
            log.warning("partition read anew", topic=self.topic, partition=partition)
            self._client.seek(TopicPartition(self.topic, partition, OFFSET_END))
