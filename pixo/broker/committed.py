"""Reads what groups have committed, as a silent stranger: it never joins them.

Not through the admin client: librdkafka 2.16 crashes there, with the process, on every answer that says that the
group's coordinator is moving or still loading (rd_kafka_cgrp_op without a group, called by
rd_kafka_ListConsumerGroupOffsetsResponse_parse). A consumer has the group that this code needs.
"""

import threading
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pixo.broker import faults
from pixo.broker.profiles import Profile
from pixo.broker.reading import leave

_FAREWELL = 2.0


class Committed:
    """Asks for offsets; safe to use from many threads. The profile is an admin's."""

    def __init__(self, profile: Profile, complaints: faults.Complaints) -> None:
        self._profile = profile
        self._complaints = complaints
        self._clients: dict[str, Consumer] = {}
        self._lock = threading.Lock()

    def offsets(self, group: str, topic: str, partitions: Sequence[int], timeout: float) -> dict[int, int]:
        """Return the group's offsets, by partition; those without one are left out. Raises TryAgain."""
        with self._lock:
            if group not in self._clients:
                self._clients[group] = self._make(group)
            client = self._clients[group]
            client.poll(0)  # serves what it has to complain
            try:
                found = client.committed([TopicPartition(topic, partition) for partition in partitions], timeout)
            except KafkaException as error:
                raise faults.asking(faults.of(error)) from error
        for place in found:
            if place.error:
                raise faults.asking(place.error)
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for group, client in clients.items():
            leave(client, group, _FAREWELL)

    def _make(self, group: str) -> Consumer:
        options: dict[str, Any] = {
            **self._profile,
            "group.id": group,
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
            "error_cb": self._complaints.say,
        }
        return Consumer(options, logger=self._complaints)
