"""Topics are ensured with patience."""

import itertools
from collections.abc import Sequence

import pytest

from pixo import topics
from pixo.broker.memory import MemoryBroker
from pixo.errors import TryAgain
from pixo.settings import Kafka
from pixo.topics import Topic
from pixo.topics.ensuring import ensure


class Starting:
    """An admin of a broker that answers from the third question on."""

    def __init__(self, answers_at: int = 3) -> None:
        self._admin = MemoryBroker().admin()
        self._count = itertools.count(1)
        self._answers_at = answers_at

    def __getattr__(self, name: str) -> object:
        return getattr(self._admin, name)

    def ensure(self, wanted: Sequence[Topic]) -> None:
        """Ask."""
        if next(self._count) < self._answers_at:
            raise TryAgain("kafka", "not yet")
        self._admin.ensure(wanted)


def test_topics_come_when_the_broker_does() -> None:
    """It is asked again, a second later, until it answers; all partitions are told."""
    slept: list[float] = []
    wanted = topics.specs(Kafka(tasks_partitions=6))

    found = ensure(Starting(), wanted, 60, clock=lambda: 0.0, sleep=slept.append)

    assert slept == [1, 1]
    assert found == {topic.name: topic.partitions for topic in wanted}


def test_patience_ends() -> None:
    """After its seconds the reason is raised."""
    clock = itertools.count(0.0, 10.0)

    with pytest.raises(TryAgain, match="not yet"):
        ensure(Starting(99), topics.specs(Kafka()), 30, clock=lambda: next(clock), sleep=lambda _: None)
