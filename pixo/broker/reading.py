"""What all that read have in common: messages as records, a topic's partitions, numbers of the client, its farewell."""

import threading
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Message

from pixo import logs
from pixo.broker import Record

log = logs.logger(__name__)


def leave(client: Consumer, topic: str, seconds: float) -> None:
    """Close the client; one that hangs, as it may when the broker is gone, is left behind."""
    leaving = threading.Thread(target=client.close, name="kafka-farewell", daemon=True)
    leaving.start()
    leaving.join(seconds)
    if leaving.is_alive():
        log.warning("kafka consumer hangs on closing", topic=topic, seconds=seconds)


def fetched(stats: Mapping[str, Any], topic: str) -> int:
    """Return the bytes that the client has fetched and nobody has polled, of its statistics."""
    partitions = stats.get("topics", {}).get(topic, {}).get("partitions", {})
    return sum(int(one.get("fetchq_size", 0)) for one in partitions.values())


def read(message: Message) -> Record:
    """Return a message without an error as a record."""
    return Record(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        value=message.value(),
        headers={name: value or b"" for name, value in _headers(message)},
        timestamp_ms=message.timestamp()[1],
    )


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    headers: Any = message.headers()
    return headers or []


def partitions(client: Consumer, topic: str, timeout: float) -> frozenset[int]:
    """Return the partitions of a topic, none where there is no such topic; raise KafkaException."""
    # All topics: to ask for one by name would create it at the embedded broker.
    found = client.list_topics(timeout=timeout).topics.get(topic)
    return frozenset(found.partitions if found else ())
