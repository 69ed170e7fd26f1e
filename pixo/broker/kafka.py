"""The real broker: confluent-kafka's clients, with the settings of the profile."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from pixo.broker import Record, faults, kept, profiles
from pixo.broker.admin import KafkaAdmin
from pixo.broker.bells import Bells
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.producer import KafkaProducer
from pixo.broker.standby import Standby
from pixo.broker.tail import KafkaTail
from pixo.settings import Kafka


class KafkaBroker:
    """Makes the clients of one process, and closes those that are left."""

    def __init__(self, settings: Kafka, client_id: str) -> None:
        self.settings = settings
        self._client_id = client_id
        self._said = faults.Said(time.monotonic)
        self._open = ExitStack()
        self._asking: KafkaAdmin | None = None
        self._bells = Bells(Path(settings.kafka_bells)) if settings.kafka_bells else None

    def producer(self) -> KafkaProducer:
        """Return a producer for what must not be lost."""
        ring = self._bells.ring if self._bells else None
        producer = KafkaProducer(profiles.producer(self.settings, self._client_id), ring=ring, said=self._said)
        self._open.callback(producer.close)
        return producer

    def heart(self) -> KafkaProducer:
        """Return a producer for what is worth nothing a few seconds later."""
        heart = KafkaProducer(profiles.heart(self.settings, self._client_id), said=self._said)
        self._open.callback(heart.close, 2.0)
        return heart

    def consumer(self, group: str, topic: str) -> KafkaConsumer:
        """Return a new member of the group."""
        # The embedded broker knows a group, and none of its members.
        tells = self.settings.kafka_profile != "embedded"
        standby = Standby(lambda: self.members(group, topic)) if tells else None
        bell = self._bells.listen(topic) if self._bells else None
        profile = profiles.consumer(self.settings, self._client_id, group)
        consumer = KafkaConsumer(profile, topic, standby=standby, bell=bell, said=self._said)
        self._open.callback(consumer.close)
        return consumer

    def tail(self, topic: str) -> KafkaTail:
        """Return a consumer of all partitions, in no group, of what is sent from now on."""
        tail = KafkaTail(profiles.tail(self.settings, self._client_id), topic, said=self._said)
        self._open.callback(tail.close)
        return tail

    def kept(self, topic: str) -> Iterator[Record]:
        """Return all that the topic holds now, in no group; see the protocol."""
        return kept.records(profiles.tail(self.settings, self._client_id), topic)

    def admin(self) -> KafkaAdmin:
        """Return the admin."""
        grows = self.settings.kafka_profile != "embedded"
        admin = KafkaAdmin(profiles.admin(self.settings, self._client_id), grows=grows, said=self._said)
        self._open.callback(admin.close)
        return admin

    def members(self, group: str, topic: str) -> dict[str, frozenset[int]]:
        """Return what each member of the group holds of the topic; see ``KafkaAdmin.members``."""
        # One for all questions: what they leave behind when they fail holds a client until it is found as garbage.
        self._asking = self._asking or self.admin()
        return self._asking.members(group, topic)

    def close(self) -> None:
        """Close the clients that are still open, the newest first."""
        self._open.close()
