"""Offsets of an old log that are committed for the one which took its place."""

from contextlib import closing
from secrets import token_hex

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from pixo import broker
from pixo.broker import profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.settings import Kafka
from pixo.topics import Topic
from tests.waiting import until


@pytest.mark.apache
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_what_is_done_is_committed_although_more_was(apache: str, protocol: str) -> None:
    """A new member commits what it has done, with records in hand and without; before, it did so when it left."""
    topic, group = f"{token_hex(4)}.t", f"{token_hex(4)}.g"
    settings = Kafka(kafka=apache, kafka_group_protocol=protocol)
    with closing(broker.open(settings, "test")) as clients:
        admin, producer = clients.admin(), clients.producer()
        admin.ensure([Topic(name=topic, partitions=2)])
        producer.settle([producer.send(topic, b"x", partition=0) for _ in range(3)])
        with closing(confluent_kafka.Consumer({"bootstrap.servers": apache, "group.id": group})) as old:
            places = [TopicPartition(topic, 0, 6), TopicPartition(topic, 1, 7)]
            old.commit(offsets=places, asynchronous=False)
        profile = profiles.consumer(settings, "test", group) | {"statistics.interval.ms": 200}
        with closing(KafkaConsumer(profile, topic)) as consumer:
            read: list[broker.Record] = []

            def polled() -> bool:
                read.extend(record for record in [consumer.poll(0.1)] if record)
                return len(read) == 3

            until(polled, "all are read", polls=True)
            for record in read[:2]:
                consumer.done(record)
            until(lambda: polled() and admin.committed(group, topic) == {0: 2, 1: 0}, "two are committed", polls=True)
            consumer.done(read[2])
            until(lambda: polled() and admin.committed(group, topic) == {0: 3, 1: 0}, "all are committed", polls=True)
