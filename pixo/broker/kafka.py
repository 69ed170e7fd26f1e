"""The real broker: confluent-kafka's clients, with the settings of the profile."""

from collections.abc import Iterator
from contextlib import ExitStack

from pixo.broker import Record, kept, profiles
from pixo.broker.admin import KafkaAdmin
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.producer import KafkaProducer
from pixo.broker.tail import KafkaTail
from pixo.settings import Kafka


class KafkaBroker:
    """Makes the clients of one process, and closes those that are left."""

    def __init__(self, settings: Kafka, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._open = ExitStack()

    def producer(self) -> KafkaProducer:
        """Give a producer for what must not be lost."""
        producer = KafkaProducer(profiles.producer(self._settings, self._client_id))
        self._open.callback(producer.close)
        return producer

    def heart(self) -> KafkaProducer:
        """Give a producer for what is worth nothing a few seconds later."""
        heart = KafkaProducer(profiles.heart(self._settings, self._client_id))
        self._open.callback(heart.close, 2.0)
        return heart

    def consumer(self, group: str, topic: str) -> KafkaConsumer:
        """Give a new member of the group."""
        consumer = KafkaConsumer(profiles.consumer(self._settings, self._client_id, group), topic)
        self._open.callback(consumer.close)
        return consumer

    def tail(self, topic: str) -> KafkaTail:
        """Give a consumer of all partitions, in no group, of what is sent from now on."""
        tail = KafkaTail(profiles.tail(self._settings, self._client_id), topic)
        self._open.callback(tail.close)
        return tail

    def kept(self, topic: str) -> Iterator[Record]:
        """Give all that the topic holds now, in no group; see the protocol."""
        return kept.records(profiles.tail(self._settings, self._client_id), topic)

    def admin(self) -> KafkaAdmin:
        """Give the admin."""
        grows = self._settings.kafka_profile != "embedded"
        admin = KafkaAdmin(profiles.admin(self._settings, self._client_id), grows=grows)
        self._open.callback(admin.close)
        return admin

    def close(self) -> None:
        """Close the clients that are still open, the newest first."""
        self._open.close()
