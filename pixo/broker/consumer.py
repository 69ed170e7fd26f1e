"""A member of a consumer group: records in, offsets of what is done out."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import confluent_kafka
import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from pixo import injection, logs, metrics
from pixo.broker import Record, faults
from pixo.broker.doze import Doze, Rings
from pixo.broker.positions import Positions
from pixo.broker.profiles import Profile
from pixo.broker.renewal import Renewal
from pixo.broker.standby import Standby
from pixo.broker.watch import Watch
from pixo.errors import Fatal

log = logs.logger(__name__)

_NUDGE = 0.5
"""Seconds that the broker has for a question whose answer does not matter."""


class KafkaConsumer:
    """One topic's consumer in a group; commits are librdkafka's, in the background."""

    def __init__(
        self,
        profile: Profile,
        topic: str,
        *,
        clock: Callable[[], float] = time.monotonic,
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
        self._doze = Doze(bell, self._next, clock) if bell else None
        self._looked = False
        self._farewell = farewell
        self._paused = False
        self._closed = False
        self._complaints = faults.Hearing(clock)
        self._positions = Positions()
        self._held: frozenset[int] = frozenset()
        self._client = confluent_kafka.Consumer(
            {
                **profile,
                "error_cb": self._complaints.take,
                "stats_cb": self._look,
                "on_commit": self._committed,
            },
            logger=self._complaints,
        )
        self._renewal = Renewal(self._client, topic, self._positions, self._complaints)
        self._client.subscribe([topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    def assigned(self) -> frozenset[int]:
        """Return the partitions held now."""
        return self._held

    def poll(self, timeout: float) -> Record | None:
        """Return the next record, or None; see the protocol."""
        self._store()
        message = self._client.poll(self._rest(timeout))
        self._complaints.require_none()
        self._renewal.mend(self._held)
        # One that is paused is busy, or about to leave.
        if self._looked and self._standby and self.ready and not self._paused:
            self._standby.look(str(self._client.memberid()), self._held)
        self._looked = False
        if message is None:
            self._tire()
            return None
        if error := message.error():
            self._complaints.take(error)
            return None
        record = read(message)
        if record.offset < (self._positions.next(record.partition) or 0):
            # The topic was made anew, and the client went back by itself.
            self._renewal.set_back(record.partition, record.offset)
        self._positions.delivered(record.partition, record.offset)
        if self._doze:
            self._doze.met()
            if self._caught_up():
                self._tire()
        return record

    def pause(self) -> None:
        """Let polls give no records until ``resume``."""
        if not self._paused:
            self._paused = True
            self._client.pause(self._places(self._held))
            self._expect()

    def resume(self) -> None:
        """Let polls give records again."""
        if self._paused:
            self._paused = False
            self._client.resume(self._places(self._held))
            self._nudge()
            self._expect()

    def done(self, record: Record) -> None:
        """Take note that the record's effect is there; see the protocol."""
        self._positions.done(record.partition, record.offset)

    def close(self) -> None:
        """Commit and leave the group; a client that hangs is left behind."""
        if not self._closed:
            self._closed = True
            if self._doze:
                self._doze.close()
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

    @property
    def _resting(self) -> bool:
        """Whether partitions are paused."""
        return self._paused or (self._doze is not None and self._doze.asleep)

    def _rest(self, timeout: float) -> float:
        """Sleep, if it is time to; return how long to wait for a record after that."""
        if self._doze is None or self._paused or not self._held:
            return timeout
        if self._doze.asleep:
            if not self._doze.woken(timeout):
                return 0.0
            self._client.resume(self._places(self._held))
            self._nudge()
        return min(timeout, self._doze.left())

    def _nudge(self) -> None:
        """Wake the thread that fetches, which else sees up to a second later that partitions were resumed."""
        known = [(partition, at) for partition in self._held if (at := self._positions.next(partition)) is not None]
        with contextlib.suppress(KafkaException):
            if known:
                self._client.seek(TopicPartition(self.topic, *known[0]))
            elif self._held:
                self._client.get_watermark_offsets(TopicPartition(self.topic, min(self._held)), timeout=_NUDGE)

    def _tire(self) -> None:
        """Fetch nothing until there is something to fetch, if nothing is to be expected."""
        doze = self._doze
        if doze and not doze.asleep and not self._paused and self._held and doze.tired():
            self._client.pause(self._places(self._held))

    def _next(self, partition: int) -> int | None:
        """Return the offset of the next record of a partition, as far as it is known; None of one not held."""
        return (self._positions.next(partition) or 0) if partition in self._held else None

    def _caught_up(self) -> bool:
        """Return whether the last fetches have brought all that there was."""
        for place in self._places(self._held):
            _, end = self._client.get_watermark_offsets(place, cached=True)
            known = self._positions.next(place.partition)
            if known is not None and known < end:
                return False
        return True

    def _expect(self) -> None:
        if self._doze:
            self._doze.expect()

    def _assign(self, client: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        (client.assign if self._eager else client.incremental_assign)(places)
        self._expect()
        # Said either way: librdkafka keeps the pause of a partition that was taken away, and its fetching never begins.
        (client.pause if self._paused else client.resume)(places)
        self.ready = True
        self._hold(self._held | {place.partition for place in places})
        metrics.consumer_rebalances.labels(self.topic).inc()
        log.event("partitions assigned", topic=self.topic, partitions=sorted(self._held))

    def _revoke(self, _: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        self._store()
        revoked = {place.partition for place in places}
        self._positions.forget(revoked)
        self._hold(self._held - revoked)
        if revoked:
            log.event("partitions revoked", topic=self.topic, partitions=sorted(revoked))

    def _lose(self, client: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        self.ready = False
        self._revoke(client, places)

    def _hold(self, partitions: frozenset[int]) -> None:
        self._held = partitions
        metrics.consumer_partitions.labels(self.topic).set(len(partitions))

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self.topic, partition) for partition in partitions]

    def _committed(self, error: KafkaError | None, _: list[TopicPartition]) -> None:
        if error is None:
            metrics.consumer_commits.labels(self.topic, "ok").inc()
        elif not faults.harmless_commit(error):
            metrics.consumer_commits.labels(self.topic, "failed").inc()
            self._complaints.say(error)

    def _look(self, text: str) -> None:
        stats: dict[str, Any] = msgspec.json.decode(text)
        metrics.consumer_queue_bytes.labels(self.topic).set(fetched(stats, self.topic))
        # A group of protocol `consumer` tells a member that only stands by nothing at all.
        self.ready |= self._untold and stats.get("cgrp", {}).get("state") == "up"
        self._looked = True
        try:
            beyond = self._watch.look(stats, self.topic, self._held, paused=self._resting)
        except Fatal as error:
            self._complaints.keep(error)
        else:
            self._renewal.look(stats, self._held, beyond)


def leave(client: confluent_kafka.Consumer, topic: str, seconds: float) -> None:
    """Close the client; one that hangs, as it may when the broker is gone, is left behind."""
    leaving = threading.Thread(target=client.close, name="kafka-farewell", daemon=True)
    leaving.start()
    leaving.join(seconds)
    if leaving.is_alive():
        log.warning("kafka consumer hangs on closing", topic=topic, seconds=seconds)


def fetched(stats: Mapping[str, Any], topic: str) -> int:
    """Return the bytes that the client has fetched and nobody has polled, of its statistics."""
    partitions = stats.get("topics", {}).get(topic, {}).get("partitions", {})
    return sum(int(one.get("fetchq_size", 0)) for one in partitions.values())


def read(message: Message) -> Record:
    """Return a message without an error as a record."""
    return Record(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        value=message.value(),
        headers={name: value or b"" for name, value in _headers(message)},
        timestamp_ms=message.timestamp()[1],
    )


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    headers: Any = message.headers()
    return headers or []
