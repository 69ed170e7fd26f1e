"""The settings of Kafka's clients, as the client library sees them."""

import itertools

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from pixo.broker import profiles
from pixo.settings import Kafka

ALL = [
    Kafka(kafka="127.0.0.1:1", kafka_profile=profile, kafka_group_protocol=protocol)
    for profile, protocol in itertools.product(("apache", "embedded"), ("classic", "consumer"))
]


class Listener:
    """Collects what librdkafka says, as its logger."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def log(self, *line: object) -> None:
        """Take a line."""
        self.lines.append(line)


@pytest.mark.parametrize("settings", ALL)
def test_library_takes_every_profile(settings: Kafka) -> None:
    """Each kind of client can be made with each profile, and the library finds nothing to say about it."""
    listener = Listener()
    producer = confluent_kafka.Producer(profiles.producer(settings, "c"), logger=listener)
    heart = confluent_kafka.Producer(profiles.heart(settings, "c"), logger=listener)
    member = confluent_kafka.Consumer(profiles.consumer(settings, "c", "g"), logger=listener)
    tail = confluent_kafka.Consumer(profiles.tail(settings, "c"), logger=listener)
    admin = AdminClient(profiles.admin(settings, "c"), logger=listener)
    for client in (producer, heart, admin):
        client.poll(0)
    for consumer in (member, tail):
        consumer.poll(0)
        consumer.close()

    # Where nobody listens, librdkafka says once in a while that an admin client had no servers; with a broker, never.
    warnings = [line for line in listener.lines if "CONFWARN" in line and "No `bootstrap.servers`" not in str(line)]
    assert warnings == []


@pytest.mark.parametrize("settings", ALL)
def test_no_family_of_addresses_is_asked_for(settings: Kafka) -> None:
    """A broker may have IPv6 alone; and without any network, 127.0.0.1 is not found where IPv4 alone is asked for."""
    assert "broker.address.family" not in profiles.admin(settings, "c")


def test_a_vanished_broker_is_given_up_soon() -> None:
    """No client waits for longer than 10 s for a connection that nobody answers: the next one may reach the broker."""
    for make in (profiles.producer, profiles.heart, profiles.tail, profiles.admin):
        assert make(Kafka(), "c")["socket.connection.setup.timeout.ms"] == 10_000
    assert profiles.consumer(Kafka(), "c", "g")["socket.connection.setup.timeout.ms"] == 10_000


def test_embedded_broker_is_spared_what_it_cannot() -> None:
    """No idempotence, no cooperative strategy, no KIP-848, no short fetch waits, no batches of several."""
    settings = Kafka(kafka_profile="embedded", kafka_group_protocol="consumer")
    consumer = profiles.consumer(settings, "c", "g")
    producer = profiles.producer(settings, "c")

    assert "group.protocol" not in consumer
    assert consumer["partition.assignment.strategy"] == "roundrobin"
    assert consumer["fetch.wait.max.ms"] >= 50
    assert profiles.tail(settings, "c")["fetch.wait.max.ms"] == 500
    assert producer["enable.idempotence"] is False
    assert producer["batch.num.messages"] == 1
    assert profiles.consumer(settings, "c", "g")["queued.min.messages"] == 1


@pytest.mark.parametrize("settings", ALL)
def test_small_queue_comes_with_a_small_pause(settings: Kafka) -> None:
    """A bounded fetch queue without a short back-off would cost six sevenths of the rate."""
    consumer = profiles.consumer(settings, "c", "g")

    assert consumer["queued.max.messages.kbytes"] <= 4096
    assert consumer["fetch.queue.backoff.ms"] <= 20


def test_offsets_are_stored_by_hand() -> None:
    """Only what is done is ever committed."""
    consumer = profiles.consumer(Kafka(), "c", "g")

    assert consumer["enable.auto.offset.store"] is False
    assert consumer["auto.offset.reset"] == "earliest"
    assert "group.instance.id" not in consumer
