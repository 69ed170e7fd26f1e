"""Looks after topics, and reads what the broker knows of offsets."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.cimpl import NewPartitions, NewTopic

from pixo import logs
from pixo.broker import faults
from pixo.broker.committed import Committed
from pixo.broker.profiles import Profile
from pixo.errors import ConfigError, TryAgain
from pixo.topics import Topic

log = logs.logger(__name__)

T = TypeVar("T")

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]

_ANSWER = 5.0
"""Seconds that the broker has to answer."""


class KafkaAdmin:
    """An admin client; ``grows`` says whether the broker can add partitions to a topic."""

    def __init__(
        self,
        profile: Profile,
        *,
        grows: bool = True,
        clock: Callable[[], float] = time.monotonic,
        said: faults.Said | None = None,
        patience: float = 15.0,
    ) -> None:
        self._grows = grows
        self._clock = clock
        self._patience = patience
        self._profile = profile
        self._complaints = faults.Complaints(said or faults.Said(clock))
        self._client = self._make()
        self._committed = Committed(profile, self._complaints)

    def ensure(self, topics: Sequence[Topic]) -> None:
        """Create what is missing, add partitions where there are fewer; see the protocol."""
        there = self._topics()
        missing = [topic for topic in topics if topic.name not in there]
        short = [
            topic for topic in topics if topic.name in there and len(there[topic.name].partitions) < topic.partitions
        ]
        if missing:
            self._create(missing)
        if short:
            self._grow(short, there)
        self._await(topics)

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has; see the protocol."""
        found = self._topics().get(topic)
        if not found or not found.partitions:
            raise TryAgain("kafka", f"there is no topic {topic}")
        return len(found.partitions)

    def starts(self, topic: str) -> dict[int, int]:
        """Return the first offset that is kept, by partition."""
        return self._offsets(topic, _EARLIEST)

    def ends(self, topic: str) -> dict[int, int]:
        """Return the offset that the next record will have, by partition."""
        return self._offsets(topic, _LATEST)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return the group's committed offsets, by partition; see the protocol."""
        return self._committed.offsets(group, topic, range(self.partitions(topic)), _ANSWER)

    def members(self, group: str, topic: str) -> dict[str, frozenset[int]]:
        """Return what each member of a group holds of a topic; nothing while that is not settled. Raises TryAgain.

        Nothing, too, where there is no such topic.
        """
        there = self._topics().get(topic)
        asked = self._client.describe_consumer_groups([group], request_timeout=_ANSWER)
        found = self._result(asked[group])
        if not there or not there.partitions or found.state != ConsumerGroupState.STABLE:
            return {}
        return {
            member.member_id: frozenset(
                place.partition for place in member.assignment.topic_partitions if place.topic == topic
            )
            for member in found.members
        }

    def ping(self) -> None:
        """Return when the broker answers, soon."""
        self._topics(timeout=2.0)

    def close(self) -> None:
        """Serve what is left to say; the connections go with the object."""
        self._client.poll(0)
        self._committed.close()

    def _topics(self, timeout: float = _ANSWER) -> dict[str, TopicMetadata]:
        self._client.poll(0)
        try:
            # All of them: to ask for one by name would create it at the embedded broker.
            return dict(self._client.list_topics(timeout=timeout).topics)
        except KafkaException as error:
            raise faults.asking(faults.of(error)) from error

    def _offsets(self, topic: str, which: OffsetSpec) -> dict[int, int]:
        places = {TopicPartition(topic, partition): which for partition in range(self.partitions(topic))}
        asked = self._client.list_offsets(places, request_timeout=_ANSWER)
        return {place.partition: self._result(answer).offset for place, answer in asked.items()}

    def _create(self, topics: Sequence[Topic]) -> None:
        wanted = [
            NewTopic(topic.name, topic.partitions, topic.replication, config=dict(topic.config)) for topic in topics
        ]
        for name, answer in self._client.create_topics(wanted, request_timeout=_ANSWER).items():
            # Somebody else may have been quicker.
            if _unless(KafkaError.TOPIC_ALREADY_EXISTS, answer):
                log.event("topic created", topic=name)

    def _grow(self, topics: Sequence[Topic], there: dict[str, TopicMetadata]) -> None:
        if not self._grows:
            topic = topics[0]
            raise ConfigError(
                f"topic {topic.name} has {len(there[topic.name].partitions)} partitions, {topic.partitions} are"
                " wanted: the embedded broker cannot add any, start it anew"
            )
        wanted = [NewPartitions(topic.name, topic.partitions) for topic in topics]
        for name, answer in self._client.create_partitions(wanted, request_timeout=_ANSWER).items():
            # Somebody else may have been quicker; what is there in the end is looked at afterwards.
            if _unless(KafkaError.INVALID_PARTITIONS, answer):
                log.event("topic grown", topic=name)

    def _result(self, answer: Future[T]) -> T:
        try:
            return _awaited(answer)
        except KafkaException as error:
            found = faults.of(error)
            if found.code() == KafkaError._TIMED_OUT:  # noqa: SLF001 - librdkafka's name for its own errors
                # A client that lost its group coordinator once may never find it again.
                self._client = self._make()
            raise faults.asking(found) from error

    def _make(self) -> AdminClient:
        # Both are served by poll: see _topics.
        callbacks: dict[str, Any] = {"error_cb": self._complaints.say}
        return AdminClient({**self._profile, **callbacks}, logger=self._complaints)

    def _await(self, topics: Sequence[Topic]) -> None:
        deadline = self._clock() + self._patience
        while True:
            there = self._topics()
            late = [t.name for t in topics if t.name not in there or _usable(there[t.name]) < t.partitions]
            if not late:
                return
            if self._clock() > deadline:
                raise TryAgain("kafka", f"not usable after {self._patience:g} s: {', '.join(late)}")
            time.sleep(0.05)  # between two looks


def _usable(topic: TopicMetadata) -> int:
    """Return how many partitions have a leader."""
    return sum(partition.leader >= 0 for partition in topic.partitions.values())


def _awaited(answer: Future[T]) -> T:
    """Return an answer that the client gives up before this does, or raise TryAgain if the process stood still."""
    try:
        return answer.result(_ANSWER * 2)
    except TimeoutError as error:
        raise TryAgain("kafka", "no answer in time") from error


def _unless(code: int, answer: Future[None]) -> bool:
    """Return whether it was done; False when it was answered with the code."""
    try:
        _awaited(answer)
    except KafkaException as error:
        if faults.of(error).code() == code:
            return False
        raise faults.asking(faults.of(error)) from error
    return True
