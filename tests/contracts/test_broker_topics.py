"""What every broker promises of topics, groups it does not know and records it does not take, on each kind."""

import contextlib

import pytest

from pixo import topics
from pixo.errors import BadRecord, ConfigError, TryAgain
from pixo.settings import Kafka
from pixo.topics import Topic
from tests.contracts.house import PATIENCE, House, join, send, take
from tests.waiting import until


def test_ensure_is_idempotent(house: House) -> None:
    """Ensuring what is there changes nothing, and takes no partitions away."""
    send(house, [b"kept"], partition=0)

    house.admin.ensure([Topic(name=house.tasks, partitions=3)])
    house.admin.ensure([Topic(name=house.tasks, partitions=1)])

    assert house.admin.partitions(house.tasks) == 3
    assert house.admin.ends(house.tasks)[0] == 1


def test_topic_grows(house: House) -> None:
    """Added partitions can be sent to at once and are consumed by members that were there before."""
    if house.kind == "embedded":
        pytest.skip("the embedded broker cannot")
    consumer = house.broker.consumer(house.group, house.tasks)
    join(consumer)
    producer = house.broker.producer()
    producer.send(house.tasks, b"knows of three", partition=0).result(PATIENCE)
    take(consumer, 1)

    house.admin.ensure([Topic(name=house.tasks, partitions=5)])

    def sent() -> bool:
        consumer.poll(0.05)
        return producer.send(house.tasks, b"new", partition=4).exception(PATIENCE) is None

    until(sent, "the producer")
    assert take(consumer, 1)[0].partition == 4
    assert house.admin.partitions(house.tasks) == 5


def test_embedded_topic_cannot_grow(house: House) -> None:
    """Where growth is impossible the error says so, and what to do."""
    if house.kind != "embedded":
        pytest.skip("others can")

    with pytest.raises(ConfigError, match=r"has 3 partitions, 5 are wanted.*cannot add"):
        house.admin.ensure([Topic(name=house.tasks, partitions=5)])


def test_missing_topic_is_a_matter_of_time(house: House) -> None:
    """What needs a topic that is not there says TryAgain."""
    missing = f"{house.tasks}-missing"

    for question in (house.admin.partitions, house.admin.ends, house.admin.starts):
        with pytest.raises(TryAgain, match="no topic"):
            question(missing)


def test_all_topics_of_the_settings(house: House) -> None:
    """The topics as the settings cut them are accepted, with their configuration."""
    specs = topics.specs(Kafka(topic_prefix=house.tasks, tasks_partitions=2))

    house.admin.ensure(specs)

    assert {spec.name: house.admin.partitions(spec.name) for spec in specs} == {
        spec.name: spec.partitions for spec in specs
    }
    house.admin.ping()


def test_unknown_group_has_no_offsets(house: House) -> None:
    """A group that never committed has nothing, rather than zeros."""
    found: list[dict[int, int]] = []

    def asked() -> bool:
        with contextlib.suppress(TryAgain):  # a cluster that has only begun moves its coordinators once more
            found.append(dict(house.admin.committed("nobody", house.tasks)))
        return bool(found)

    until(asked, "an answer")
    assert found == [{}]


def test_oversized_record_is_never_sent(house: House) -> None:
    """A record over Kafka's limit is refused for good; the producer goes on."""
    if house.kind == "memory":
        pytest.skip("memory has no limit")
    producer = house.broker.producer()

    with pytest.raises(BadRecord, match="1000000 bytes"):
        producer.send(house.tasks, bytes(1_000_000)).result(PATIENCE)
    producer.send(house.tasks, b"small").result(PATIENCE)


def test_closed_producer_says_so(house: House) -> None:
    """Closing delivers what is under way; what comes later fails at once."""
    producer = house.broker.producer()
    sent = [producer.send(house.tasks, b"x", partition=0) for _ in range(20)]
    producer.close()

    assert [future.exception(0) for future in sent] == [None] * 20
    with pytest.raises(TryAgain, match="closed"):
        producer.settle([producer.send(house.tasks, b"late")])
