"""Consumers of the embedded broker that sleep while there is nothing to fetch."""

import time
from collections.abc import Iterator

import pytest

from pixo.broker import profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.doze import LOOK
from pixo.broker.kafka import KafkaBroker
from pixo.broker.producer import KafkaProducer
from tests.contracts.house import House, join, opened, send, take
from tests.waiting import until


@pytest.fixture(params=["embedded"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Give an embedded broker with bells."""
    yield from opened(request)


def sleep(*consumers: KafkaConsumer) -> None:
    """Poll the consumers until all sleep."""

    def all_sleep() -> bool:
        for consumer in consumers:
            assert consumer.poll(0.01) is None
        return all(consumer._fetching.resting for consumer in consumers)

    until(all_sleep, "sleep", polls=True)


def test_a_ring_brings_the_record(house):
    """Again and again, on each partition, before and after its first record."""
    consumer = house.broker.consumer(house.group, house.tasks)
    join(consumer)
    slept = 0
    for turn in range(6):
        sleep(consumer)
        send(house, [b"%d" % turn], partition=turn % 3)
        (record,) = take(consumer, 1)
        assert (record.value, record.partition) == (b"%d" % turn, turn % 3)
        consumer.done(record)
        slept += consumer._fetching.resting
    consumer.close()
    assert slept > 0  # it goes on to fetch only where a look fell together with a ring
    assert house.admin.committed(house.group, house.tasks) == {0: 2, 1: 2, 2: 2}


def test_a_record_without_a_ring_is_met_by_a_look(house):
    """The ring is a hint: what was lost with it is time."""
    consumer = house.broker.consumer(house.group, house.tasks)
    join(consumer)
    sleep(consumer)
    assert isinstance(house.broker, KafkaBroker)
    silent = KafkaProducer(profiles.producer(house.broker.settings, "silent"))
    began = time.monotonic()
    silent.settle([silent.send(house.tasks, b"unsung", partition=1)])
    (record,) = take(consumer, 1)
    assert record.value == b"unsung"
    assert time.monotonic() - began < LOOK + 5
    silent.close()


def test_partitions_move_while_all_sleep(house):
    """A newcomer is let in, and what was paused in sleep is read by whoever has it then."""
    first = house.broker.consumer(house.group, house.tasks)
    join(first)
    sleep(first)
    second = house.broker.consumer(house.group, house.tasks)
    join(first, second)
    sleep(first, second)
    for partition in range(3):
        send(house, [b"%d" % partition], partition=partition)
        holder = first if partition in first.assigned() else second
        (record,) = take(holder, 1)
        assert record.value == b"%d" % partition
        holder.done(record)
    sleep(first, second)
    second.close()
    join(first)
    sleep(first)
    send(house, [b"again"], partition=2)
    assert [record.value for record in take(first, 1)] == [b"again"]


def test_a_pause_outlives_sleep(house):
    """Who is told to give no records gives none, ring or not, and all of them afterwards."""
    consumer = house.broker.consumer(house.group, house.tasks)
    join(consumer)
    sleep(consumer)
    consumer.pause()
    send(house, [b"1", b"2"], partition=0)
    assert [consumer.poll(0.05) for _ in range(10)] == [None] * 10
    consumer.resume()
    assert [record.value for record in take(consumer, 2)] == [b"1", b"2"]


def test_without_a_bell_nobody_sleeps(house):
    """A consumer beside the bells' folder fetches all the time."""
    assert isinstance(house.broker, KafkaBroker)
    profile = profiles.consumer(house.broker.settings, "test", house.group)
    consumer = KafkaConsumer(profile, house.tasks)
    assert consumer._fetching._doze is None
    assert house.broker.consumer(house.group, house.tasks)._fetching._doze is not None
    consumer.close()
