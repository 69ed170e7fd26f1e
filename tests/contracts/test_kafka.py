"""What only a server that can go away shows: restarts, outages, topics made anew."""

import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from pixo import broker as brokers
from pixo.broker import Admin, Broker, Consumer, profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.producer import KafkaProducer
from pixo.broker.watch import Watch
from pixo.errors import Fatal, TryAgain
from pixo.settings import Kafka
from pixo.topics import Topic
from services.standalone.apache import ApacheKafka
from services.standalone.ports import free_port
from tests.waiting import until

PATIENCE = 30.0
NOBODY = Kafka(kafka="127.0.0.1:1", kafka_profile="embedded")
"""Settings with an address where nothing listens."""


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Give a stack that closes what a test opened."""
    with ExitStack() as stack:
        yield stack


def take(consumer: Consumer, count: int) -> list[bytes | None]:
    """Give the values of the next records, each marked done."""
    values: list[bytes | None] = []

    def enough() -> bool:
        record = consumer.poll(0.1)
        if record:
            values.append(record.value)
            consumer.done(record)
        return len(values) >= count

    until(enough, f"{count} records", polls=True)
    return values


def committed(admin: Admin, consumer: Consumer, expected: dict[int, int]) -> None:
    """Wait until the group's offsets are these, polling meanwhile."""

    def seen() -> bool:
        assert consumer.poll(0.1) is None
        try:
            return admin.committed("g", consumer.topic) == expected
        except TryAgain:  # the coordinator was lost: this is what its callers do
            return False

    until(seen, f"the commit of {expected}")


def opened(closing: ExitStack, settings: Kafka) -> Broker:
    """Give a broker that is closed after the test."""
    broker = brokers.open(settings, "test")
    closing.callback(broker.close)
    return broker


def test_clients_outlive_the_embedded_broker(own_tansu: Any, closing: ExitStack) -> None:
    """After a restart that forgot everything, the same clients send, consume, listen and commit again."""
    broker = opened(closing, Kafka(kafka=own_tansu.address, kafka_profile="embedded"))
    # As many partitions as the broker makes by itself when a client asks for a topic first.
    spec = [Topic(name="t", partitions=4)]
    admin, producer = broker.admin(), broker.producer()
    admin.ensure(spec)
    consumer, tail = broker.consumer("g", "t"), broker.tail("t")
    until(lambda: [tail.poll(0.1)] and tail.ready, "listening", polls=True)
    producer.settle([producer.send("t", b"before", partition=0) for _ in range(5)])
    assert take(consumer, 5) == [b"before"] * 5
    committed(admin, consumer, {0: 5})

    own_tansu.stop()
    with pytest.raises(TryAgain):
        admin.ping()
    lost = producer.send("t", b"during", partition=0)
    own_tansu.start()
    admin.ensure(spec)
    producer.settle([lost, producer.send("t", b"after", partition=1)])

    assert sorted(value or b"" for value in take(consumer, 2)) == [b"after", b"during"]
    committed(admin, consumer, {0: 1, 1: 1})

    def heard() -> bool:
        producer.send("t", b"news", partition=2).exception(PATIENCE)
        record = tail.poll(0.5)
        return record is not None and record.value == b"news"

    until(heard, "hearing again")


def test_position_beyond_the_end_starts_over(tansu: str, closing: ExitStack) -> None:
    """A committed offset that the log never reached is set back to where the log begins, and counts from there."""
    topic = f"{token_hex(4)}.t"
    settings = Kafka(kafka=tansu, kafka_profile="embedded")
    broker = opened(closing, settings)
    admin, producer = broker.admin(), broker.producer()
    admin.ensure([Topic(name=topic, partitions=1)])
    producer.settle([producer.send(topic, b"%d" % number) for number in range(5)])
    profile = {**profiles.consumer(settings, "test", "g"), "statistics.interval.ms": 200}
    stray = confluent_kafka.Consumer(profile)
    stray.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, 40)], asynchronous=False)
    stray.close()
    assert admin.committed("g", topic) == {0: 40}

    consumer = KafkaConsumer(profile, topic, watch=Watch(beyond=0.5))
    closing.callback(consumer.close)

    assert take(consumer, 5) == [b"0", b"1", b"2", b"3", b"4"]
    committed(admin, consumer, {0: 5})


@pytest.mark.apache
def test_topic_made_anew_under_a_consumer(apache: str, closing: ExitStack) -> None:
    """A topic deleted and made anew is read and committed from its beginning by those who were there before."""
    topic = f"{token_hex(4)}.t"
    broker = opened(closing, Kafka(kafka=apache))
    admin, producer, consumer = broker.admin(), broker.producer(), broker.consumer("g", topic)
    admin.ensure([Topic(name=topic, partitions=1)])
    producer.settle([producer.send(topic, b"old", partition=0) for _ in range(5)])
    take(consumer, 5)
    committed(admin, consumer, {0: 5})

    raw = AdminClient({"bootstrap.servers": apache})
    raw.delete_topics([topic])[topic].result(PATIENCE)
    until(lambda: topic not in raw.list_topics(timeout=5).topics, "deleting")
    raw.create_topics([NewTopic(topic, 1, 1)])[topic].result(PATIENCE)
    until(
        lambda: [consumer.poll(0.05)] and producer.send(topic, b"new", partition=0).exception(PATIENCE) is None,
        "sending",
    )

    assert take(consumer, 1) == [b"new"]
    committed(admin, consumer, {0: 1})


@pytest.mark.apache
def test_coordinator_that_is_still_loading(apache: str, closing: ExitStack, tmp_path: Path) -> None:
    """Asking a broker that has only just begun what a group has committed gives TryAgain until it knows."""
    assert apache  # or it is skipped
    kafka = ApacheKafka(tmp_path, free_port())
    kafka.start()
    closing.callback(kafka.stop)
    broker = closing.enter_context(contextlib.closing(brokers.open(Kafka(kafka=kafka.address), "test")))
    admin = broker.admin()
    admin.ensure([Topic(name="tasks", partitions=2)])

    def known() -> bool:
        with contextlib.suppress(TryAgain):
            return admin.committed("group", "tasks") == {}
        return False

    until(known, "the group's coordinator")


def test_offsets_of_the_old_log_are_dropped(tansu: str, closing: ExitStack) -> None:
    """What was done in a log that is no more is not committed for the one that took its place."""
    topic = f"{token_hex(4)}.t"
    settings = Kafka(kafka=tansu, kafka_profile="embedded")
    broker = opened(closing, settings)
    admin, producer = broker.admin(), broker.producer()
    admin.ensure([Topic(name=topic, partitions=1)])
    producer.settle([producer.send(topic, b"%d" % number) for number in range(5)])
    consumer = KafkaConsumer(profiles.consumer(settings, "test", "g"), topic)
    closing.callback(consumer.close)
    records = []
    until(lambda: [records.append(r) for r in [consumer.poll(0.1)] if r] and len(records) == 5, "5 records", polls=True)
    for record in records:
        consumer.done(record)

    consumer._renewal.set_back(0, 2)
    consumer.poll(0)
    consumer.close()

    assert admin.committed("g", topic) == {0: 2}


def test_broker_that_comes_late(own_tansu: Any, closing: ExitStack) -> None:
    """Clients made before there is a broker begin to work when it is there."""
    own_tansu.stop()
    broker = opened(closing, Kafka(kafka=own_tansu.address, kafka_profile="embedded"))
    admin, producer = broker.admin(), broker.producer()
    consumer = broker.consumer("g", "t")
    assert consumer.poll(0.1) is None
    assert not consumer.ready
    early = producer.send("t", b"early")

    own_tansu.start()
    admin.ensure([Topic(name="t", partitions=4)])

    producer.settle([early])
    assert take(consumer, 1) == [b"early"]


def test_closing_without_a_broker_ends(own_tansu: Any) -> None:
    """A consumer whose broker is gone can be closed; done after that raises nothing."""
    broker = brokers.open(Kafka(kafka=own_tansu.address, kafka_profile="embedded"), "test")
    broker.admin().ensure([Topic(name="t", partitions=1)])
    producer = broker.producer()
    producer.send("t", b"x").result(PATIENCE)
    consumer = broker.consumer("g", "t")
    until(lambda: consumer.poll(0.1), "a record", polls=True)
    record = brokers.Record("t", 0, 0, b"x")
    own_tansu.stop()

    consumer.close()
    consumer.done(record)
    consumer.close()
    sent = producer.send("t", b"nobody takes this")
    producer.close(0.1)

    assert isinstance(sent.exception(PATIENCE), TryAgain)
    broker.close()


def test_jammed_producer_is_made_anew(own_tansu: Any, closing: ExitStack) -> None:
    """Records that nobody takes fail in time, and the client that takes over sends the next ones."""
    own_tansu.stop()
    settings = Kafka(kafka=own_tansu.address, kafka_profile="embedded")
    producer = KafkaProducer(profiles.producer(settings, "test"), patience=0.5)
    closing.callback(producer.close)

    with pytest.raises(TryAgain, match="jammed"):
        producer.settle([producer.send("t", b"x")])
    own_tansu.start()
    opened(closing, settings).admin().ensure([Topic(name="t", partitions=4)])

    until(lambda: producer.send("t", b"y").exception(PATIENCE) is None, "sending")


def test_full_buffer_is_waited_for_then_refused() -> None:
    """A sender is held back while the buffer is full, for a bounded time."""
    profile = {**profiles.producer(NOBODY, "test"), "queue.buffering.max.messages": 2}
    producer = KafkaProducer(profile, room=0.1)

    sent = [producer.send("t", b"x") for _ in range(3)]

    assert [future.done() for future in sent] == [False, False, True]
    with pytest.raises(TryAgain, match="full"):
        sent[2].result()
    with pytest.raises(TryAgain, match="2 records are not acknowledged"):
        producer.settle(sent[:2], timeout=0.01)
    producer.close(0.1)


def test_silent_broker_ends_the_process(closing: ExitStack) -> None:
    """A consumer without any broker for too long says that its process has to go."""
    profile = {**profiles.consumer(NOBODY, "test", "g"), "statistics.interval.ms": 100}
    consumer = KafkaConsumer(profile, "t", watch=Watch(silence=0.3))
    closing.callback(consumer.close)

    with pytest.raises(Fatal, match="no Kafka broker"):
        until(lambda: consumer.poll(0.05), "giving up", polls=True)


def test_trouble_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An outage is a line in the log, not one for every attempt."""
    broker = brokers.open(NOBODY, "test")
    with caplog.at_level(logging.WARNING):
        consumer = broker.consumer("g", "t")
        until(lambda: [consumer.poll(0.1)] and caplog.records, "a line", polls=True)
        for _ in range(20):
            consumer.poll(0.05)
        broker.close()

    assert len({tuple(sorted(record.fields.items())) for record in caplog.records}) == len(caplog.records) <= 4  # type: ignore[attr-defined]


QUIET = """
import logging, time
from pixo import broker
from pixo.settings import Kafka
logging.getLogger().addHandler(logging.NullHandler())
clients = broker.open(Kafka(kafka="127.0.0.1:1"), "test")
admin, producer, consumer, tail = clients.admin(), clients.producer(), clients.consumer("g", "t"), clients.tail("t")
producer.send("t", b"x")
for _ in range(5):
    consumer.poll(0.1)
    tail.poll(0.1)
try:
    admin.ping()
except Exception as error:  # whatever it is, the test looks at its name
    print(type(error).__name__)
producer.close(0.1)
clients.close()
"""

FORKED = """
import logging, os
from pixo import broker
from pixo.settings import Kafka
logging.getLogger().addHandler(logging.NullHandler())
producer = broker.open(Kafka(kafka="127.0.0.1:1"), "test").producer()
if os.fork() == 0:
    try:
        producer.send("t", b"x")
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
producer.close(0.1)
"""


def test_nothing_on_stderr() -> None:
    """Everything that the client library has to say goes through logging."""
    done = subprocess.run([sys.executable, "-c", QUIET], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "TryAgain\n", "")


def test_producer_of_another_process_refuses() -> None:
    """A producer taken through a fork says so, where it would lose everything without a word."""
    done = subprocess.run([sys.executable, "-Wignore", "-c", FORKED], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "taken through a fork" in done.stdout
