"""A broker of each kind with topics of its own, and what its tests wait for."""

from collections.abc import Iterator
from secrets import token_hex
from typing import NamedTuple

import pytest

from pixo import broker as brokers
from pixo import topics
from pixo.broker import Admin, Broker, Consumer, Record
from pixo.broker.memory import MemoryBroker
from pixo.settings import Kafka
from pixo.topics import Topic
from tests.waiting import until

PATIENCE = 30.0

KINDS = [
    "memory",
    "embedded",
    pytest.param("classic", marks=pytest.mark.apache),
    pytest.param("consumer", marks=pytest.mark.apache),
]
"""The group protocols of Apache Kafka stand for it: nothing else differs."""


class House(NamedTuple):
    """A broker with topics of its own."""

    kind: str
    broker: Broker
    admin: Admin
    tasks: str
    """Has 3 partitions."""
    group: str


def opened(request: pytest.FixtureRequest) -> Iterator[House]:
    """Give the kind of broker that the request is for, with new topics."""
    kind = request.param
    prefix = f"{token_hex(4)}."
    bells = request.getfixturevalue("tmp_path") / "bells"
    if kind == "memory":
        broker: Broker = MemoryBroker()
        settings = Kafka(topic_prefix=prefix)
    else:
        settings = Kafka(
            kafka=request.getfixturevalue("tansu" if kind == "embedded" else "apache"),
            kafka_profile="embedded" if kind == "embedded" else "apache",
            kafka_group_protocol="consumer" if kind == "consumer" else "classic",
            kafka_bells=str(bells) if kind == "embedded" else "",
            topic_prefix=prefix,
        )
        broker = brokers.open(settings, "test")
    names = topics.names(settings)
    admin = broker.admin()
    admin.ensure([Topic(name=names.tasks, partitions=3)])
    yield House(kind, broker, admin, names.tasks, names.workers)
    broker.close()
    assert not list(bells.glob("*"))


def take(consumer: Consumer, count: int) -> list[Record]:
    """Give the next records of a consumer."""
    found: list[Record] = []

    def enough() -> bool:
        record = consumer.poll(0.1)
        found.extend([record] if record else [])
        return len(found) >= count

    until(enough, f"{count} records", polls=True)
    return found


def join(*consumers: Consumer, partitions: int = 3) -> None:
    """Poll the consumers until they hold all partitions among them, each its share."""

    def shared() -> bool:
        for consumer in consumers:
            assert consumer.poll(0.05) is None
        held = [p for consumer in consumers for p in consumer.assigned()]
        fair = all(len(c.assigned()) >= partitions // len(consumers) for c in consumers)
        return fair and sorted(held) == list(range(partitions)) and all(c.ready for c in consumers)

    until(shared, "the group")


def send(house: House, values: list[bytes], partition: int | None = None) -> None:
    """Send the values and wait for the broker to have them."""
    producer = house.broker.producer()
    producer.settle([producer.send(house.tasks, value, partition=partition) for value in values])
