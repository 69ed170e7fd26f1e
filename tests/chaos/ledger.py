"""What Kafka has kept of a run: every report and every dead letter, the ones that came twice included."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import pairwise
from secrets import token_hex
from typing import NamedTuple

import confluent_kafka
from confluent_kafka import TopicPartition

from pixo import messages
from pixo.broker import Record
from pixo.broker.reading import read
from pixo.errors import BadRecord
from pixo.messages import TileDone
from tests.chaos.installation import Installation


class Report(NamedTuple):
    """A tile was reported done."""

    at: float
    """Unix time, seconds."""
    tile: tuple[str, int, int]
    """Job, generation and number."""
    lane: int
    worker: str


class Ledger(NamedTuple):
    """The records of some jobs, reports in the order of time."""

    reports: list[Report]
    dead: set[tuple[str, int, int]]
    """The tiles with a dead letter: several letters of one tile are one."""

    @property
    def duplicates(self) -> int:
        """How many reports told nothing new."""
        return sum(count - 1 for count in Counter(report.tile for report in self.reports).values())

    @property
    def gap(self) -> float:
        """The longest time between two reports, seconds."""
        times = [report.at for report in self.reports]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    def taken_over(self, lanes: Collection[int], worker: str, since: float) -> float:
        """Give the seconds from a moment until another worker reported a tile of these lanes of a worker."""
        found = [r.at for r in self.reports if r.lane in lanes and r.worker != worker and r.at > since]
        assert found, f"no tile of {lanes} was left to another than {worker}: ended too late to prove anything"
        return min(found) - since


def read_ledger(installation: Installation, jobs: Collection[str]) -> Ledger:
    """Give the ledger of these jobs."""
    reports, dead = [], set()
    for record in records(installation.settings.kafka.kafka, installation.topics.results):
        with suppress(BadRecord):  # sent by a test
            message = messages.decode(record.value)
            if isinstance(message, TileDone) and message.job in jobs:
                tile = (message.job, message.gen, message.tile)
                reports.append(Report(record.timestamp_ms / 1000, tile, message.lane, message.worker))
    for record in records(installation.settings.kafka.kafka, installation.topics.dead_letters):
        job = record.headers.get("job", b"").decode()
        if job in jobs:
            dead.add((job, int(record.headers["gen"]), int(record.headers["tile"])))
    return Ledger(sorted(reports), dead)


def records(address: str, topic: str) -> Iterator[Record]:
    """Give all records of a topic up to now, without joining any group."""
    client = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": f"ledger-{token_hex(4)}"})
    try:
        partitions = client.list_topics(topic, timeout=30).topics[topic].partitions
        places = []
        for number in partitions:
            start, end = client.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            places += [(number, start, end)] if end > start else []
        client.assign([TopicPartition(topic, number, start) for number, start, _ in places])
        left = {number: end for number, _, end in places}
        while left:
            message = client.poll(30)
            assert message is not None, f"{topic} could not be read to its end"
            assert message.error() is None, message.error()
            record = read(message)
            yield record
            if record.offset + 1 >= left[record.partition]:
                del left[record.partition]
                client.incremental_unassign([TopicPartition(topic, record.partition)])
    finally:
        client.close()
