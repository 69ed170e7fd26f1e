"""A member of a consumer group: records in, offsets of what is done out."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import confluent_kafka
import msgspec
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from pixo import injection, logs, metrics
from pixo.broker import Record, faults
from pixo.broker.doze import Rings
from pixo.broker.fetching import Fetching
from pixo.broker.positions import Positions
from pixo.broker.profiles import Profile
from pixo.broker.reading import fetched, leave, read
from pixo.broker.renewal import Renewal
from pixo.broker.standby import Standby
from pixo.broker.watch import Watch
from pixo.errors import Fatal

log = logs.logger(__name__)


class KafkaConsumer:
    """One topic's consumer in a group; commits are librdkafka's, in the background."""

    def __init__(
        self,
        profile: Profile,
        topic: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        said: faults.Said | None = None,
        watch: Watch | None = None,
        standby: Standby | None = None,
        bell: Rings | None = None,
        farewell: float = 5.0,
    ) -> None:
        self.topic = topic
        self.ready = False
        self._eager = profile.get("partition.assignment.strategy") == "roundrobin"
        self._untold = profile.get("group.protocol") == "consumer"
        self._watch = watch or Watch(clock)
        self._standby = standby
        self._looked = False
        self._farewell = farewell
        self._closed = False
        self._complaints = faults.Hearing(said or faults.Said(clock))
        self._positions = Positions()
        self._client = confluent_kafka.Consumer(
            {
                **profile,
                "error_cb": self._complaints.take,
                "stats_cb": self._look,
                "on_commit": self._committed,
            },
            logger=self._complaints,
        )
        self._fetching = Fetching(self._client, topic, self._positions, bell, clock)
        self._renewal = Renewal(self._client, topic, self._positions, self._complaints)
        self._client.subscribe([topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    def assigned(self) -> frozenset[int]:
        """Return the partitions held now."""
        return self._fetching.held

    def poll(self, timeout: float) -> Record | None:
        """Return the next record, or None; see the protocol."""
        self._store()
        message = self._client.poll(self._fetching.rest(timeout))
        self._complaints.require_none()
        self._renewal.mend(self._fetching.held)
        # One that is paused is busy, or about to leave.
        if self._looked and self._standby and self.ready and not self._fetching.paused:
            self._standby.look(str(self._client.memberid()), self._fetching.held)
        self._looked = False
        if message is None:
            self._fetching.tire()
            return None
        if error := message.error():
            self._complaints.take(error)
            return None
        record = read(message)
        if record.offset < (self._positions.next(record.partition) or 0):
            # The topic was made anew, and the client went back by itself.
            self._renewal.set_back(record.partition, record.offset)
        self._positions.delivered(record.partition, record.offset)
        self._fetching.met()
        return record

    def pause(self) -> None:
        """Let polls give no records until ``resume``."""
        self._fetching.pause()

    def resume(self) -> None:
        """Let polls give records again."""
        self._fetching.resume()

    def done(self, record: Record) -> None:
        """Take note that the record's effect is there; see the protocol."""
        self._positions.done(record.partition, record.offset)

    def close(self) -> None:
        """Commit and leave the group; a client that hangs is left behind."""
        if not self._closed:
            self._closed = True
            self._fetching.close()
            self._store()
            leave(self._client, self.topic, self._farewell)

    def _store(self) -> None:
        """Hand over for the next commit what is finished.

        By the polling thread: the client lets one thread in at a time, and one that polls without end lets in no other.
        """
        finished = self._positions.finished()
        for partition, offset in finished.items():
            # What was taken away at this moment is refused with _STATE: the next holder gets it again.
            with contextlib.suppress(KafkaException):
                self._client.store_offsets(offsets=[TopicPartition(self.topic, partition, offset)])
        if finished:
            injection.point("consumer.before-commit", topic=self.topic)

    def _assign(self, client: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        (client.assign if self._eager else client.incremental_assign)(places)
        self._fetching.hold(places)
        self.ready = True
        metrics.consumer_partitions.labels(self.topic).set(len(self._fetching.held))
        metrics.consumer_rebalances.labels(self.topic).inc()
        log.event("partitions assigned", topic=self.topic, partitions=sorted(self._fetching.held))

    def _revoke(self, _: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        self._store()
        revoked = {place.partition for place in places}
        self._positions.forget(revoked)
        self._fetching.release(revoked)
        metrics.consumer_partitions.labels(self.topic).set(len(self._fetching.held))
        if revoked:
            log.event("partitions revoked", topic=self.topic, partitions=sorted(revoked))

    def _lose(self, client: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        self.ready = False
        self._revoke(client, places)

    def _committed(self, error: KafkaError | None, _: list[TopicPartition]) -> None:
        if error is None:
            metrics.consumer_commits.labels(self.topic, "ok").inc()
        elif not faults.harmless_commit(error):
            metrics.consumer_commits.labels(self.topic, "failed").inc()
            self._complaints.say(error)

    def _look(self, text: str) -> None:
        stats: dict[str, Any] = msgspec.json.decode(text)
        held = self._fetching.held
        metrics.consumer_queue_bytes.labels(self.topic).set(fetched(stats, self.topic))
        # A group of protocol `consumer` tells a member that only stands by nothing at all.
        self.ready |= self._untold and stats.get("cgrp", {}).get("state") == "up"
        self._looked = True
        try:
            beyond = self._watch.look(stats, self.topic, held, paused=self._fetching.resting)
        except Fatal as error:
            self._complaints.keep(error)
        else:
            self._renewal.look(stats, held, beyond)
