"""All that a topic holds at this moment, read once and in no group: for looking, not for working."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from pixo.broker import Record, faults
from pixo.broker.profiles import Profile
from pixo.broker.reading import partitions, read
from pixo.errors import TryAgain


def records(
    profile: Profile, topic: str, *, patience: float = 15.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Record]:
    """Return every record of the topic, each partition in order to its end; raise TryAgain("kafka").

    ``patience`` are the seconds that the broker may say nothing.
    """
    complaints = faults.Complaints(faults.Said(clock))
    settings = {**profile, "enable.partition.eof": True, "error_cb": complaints.say}
    with closing(confluent_kafka.Consumer(settings, logger=complaints)) as client:
        left = _there(client, topic)
        client.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
        deadline = clock() + patience
        while left:
            message = client.poll(0.2)
            if message is None:
                if clock() > deadline:
                    raise TryAgain("kafka", f"no more of {topic} came for {patience:g} s")
                continue
            deadline = clock() + patience
            error = message.error()
            if error is None:
                yield read(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name for it
                left.discard(message.partition() or 0)
            else:
                raise TryAgain("kafka", error.str())


def _there(client: confluent_kafka.Consumer, topic: str) -> set[int]:
    try:
        found = set(partitions(client, topic, timeout=5))
    except KafkaException as error:
        raise TryAgain("kafka", faults.of(error).str()) from error
    if not found:
        raise TryAgain("kafka", f"there is no topic {topic}")
    return found
