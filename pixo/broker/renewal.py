"""A topic that was made anew has shorter logs: to read and to commit less than before, librdkafka has to be told."""

from collections.abc import Collection, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pixo import logs
from pixo.broker import faults
from pixo.broker.positions import Positions

log = logs.logger(__name__)

_ANSWER = 5.0
"""Seconds that the broker has to answer a question asked between two polls."""


class Renewal:
    """Sets a consumer back where more was read or committed of a log than there is. For the polling thread alone.

    What a look at librdkafka's statistics finds waits for ``mend``: callbacks must not ask the broker.
    """

    def __init__(self, client: Consumer, topic: str, positions: Positions, complaints: faults.Complaints) -> None:
        self._client = client
        self._topic = topic
        self._positions = positions
        self._complaints = complaints
        self._beyond: Mapping[int, int] = {}
        self._ahead: set[int] = set()
        self._doubted: set[int] = set()

    def look(self, stats: Mapping[str, Any], held: Collection[int], beyond: Mapping[int, int]) -> None:
        """Take note of partitions that are read ``beyond`` their end, given with each, or committed beyond it."""
        self._beyond = beyond
        doubted, self._doubted = self._doubted, ahead(stats, self._topic, held)
        # Twice in a row: numbers of a partition that was just assigned are of different times.
        self._ahead = doubted & self._doubted

    def mend(self, held: Collection[int]) -> None:
        """Set back what the last look has found, of the partitions held now. What fails is found by the next look."""
        beyond, self._beyond = self._beyond, {}
        committed, self._ahead = self._ahead, set()
        if ends := {partition: end for partition, end in beyond.items() if partition in held}:
            self._start_over(ends)
        for partition in committed.intersection(held):
            self._commit_anew(partition)

    def set_back(self, partition: int, offset: int) -> None:
        """Count and commit from this offset on."""
        log.warning("partition read anew", topic=self._topic, partition=partition, offset=offset)
        self._positions.set_back(partition, offset)
        self._commit(partition, offset)

    def _start_over(self, ends: Mapping[int, int]) -> None:
        """Read from the committed offset again, from the start where the log has no such offset."""
        places = [TopicPartition(self._topic, partition) for partition in ends]
        try:
            for place in self._client.committed(places, timeout=_ANSWER):
                start, _ = self._client.get_watermark_offsets(place, timeout=_ANSWER)
                within = start <= place.offset <= ends[place.partition]
                offset = place.offset if within else start
                self.set_back(place.partition, offset)
                self._client.seek(TopicPartition(self._topic, place.partition, offset))
        except KafkaException as error:
            self._complaints.say(faults.of(error))

    def _commit_anew(self, partition: int) -> None:
        """Commit what is done of a log of which more was committed than there is."""
        try:
            start, end = self._client.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        except KafkaException as error:
            self._complaints.say(faults.of(error))
            return
        if not 0 <= start <= end:
            return  # not known yet, or of different times
        offset = self._positions.first(partition)
        offset = offset if offset is not None and start <= offset <= end else start
        log.warning("more was committed than there is", topic=self._topic, partition=partition, offset=offset)
        self._commit(partition, offset)

    def _commit(self, partition: int, offset: int) -> None:
        place = TopicPartition(self._topic, partition, offset)
        try:
            self._client.store_offsets(offsets=[place])
            self._client.commit(offsets=[place], asynchronous=True)
        except KafkaException as error:
            self._complaints.say(faults.of(error))


def ahead(stats: Mapping[str, Any], topic: str, held: Collection[int]) -> set[int]:
    """Return the partitions of whose log more is committed than there is.

    A member that has records of the old log in hand when the topic is made anew commits their offsets for the new one.
    From then on nothing is committed, for librdkafka commits by itself what is more than was committed before, until
    the new log has grown past it; and until then none of its tasks is known to be lost.
    """
    partitions = stats["topics"].get(topic, {}).get("partitions", {})
    return {
        number
        for number in held
        if (state := partitions.get(str(number)))
        and state["committed_offset"] > state["hi_offset"] >= state["next_offset"] >= 0
    }
