"""Kafka as Pixo sees it: records sent and polled, topics ensured, offsets known.

``open`` gives the real one; ``pixo.broker.memory`` has one without a server, for tests. Both pass the same
contract suite. Opening connects to nothing: clients are made by ``producer``, ``consumer`` and the others,
and must be made in the process that uses them, since their threads do not live through a fork.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from msgspec import Struct

from pixo.settings import Kafka
from pixo.topics import Topic


class Record(Struct, frozen=True):
    """One message, with its topic, partition and offset."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: dict[str, bytes] = {}
    """If a name occurs several times, the last; a null value is empty."""
    timestamp_ms: int = 0


class Producer(Protocol):
    """Sends records; safe to use from many threads."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int | None = None,
        key: bytes | str | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Future[None]:
        """Send a record; the future is done once the broker has it.

        Its exception is TryAgain("kafka") when the broker may not have it, BadRecord when it never will (too
        large). Waits, for a bounded time, only while the send buffer is full. Callbacks put on the future run
        in the thread that serves all deliveries: they must be quick.
        """

    def settle(self, futures: Iterable[Future[None]], timeout: float = 30.0) -> None:
        """Return when the broker has them all; raise the first error, or TryAgain when the time is over."""

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what is under way, for at most that long, then fail the rest; send nothing more."""


class Consumer(Protocol):
    """Takes the records of one topic; polled and closed by one thread, ``done`` may be called by any."""

    @property
    def topic(self) -> str:
        """What is consumed."""

    @property
    def ready(self) -> bool:
        """Whether the group was joined, with partitions or standing by."""

    def assigned(self) -> frozenset[int]:
        """Return the partitions held now."""

    def poll(self, timeout: float) -> Record | None:
        """Return the next record, or None when there was none in time; serves rebalances meanwhile.

        Raises Fatal when the process has to be started anew.
        """

    def pause(self) -> None:
        """Let polls give no records, of partitions held now or received later, until ``resume``."""

    def resume(self) -> None:
        """Let polls give records again."""

    def done(self, record: Record) -> None:
        """Take note that the record's effect is there.

        The committed offset follows the last record before which none is missing. Records of partitions that
        are held no longer are forgotten: their next holder gets them again.
        """

    def close(self) -> None:
        """Commit and leave the group, for a bounded time."""


class Admin(Protocol):
    """Looks after topics and reads offsets; safe to use from many threads. All raise TryAgain("kafka")."""

    def ensure(self, topics: Sequence[Topic]) -> None:
        """Create what is missing and add partitions where there are fewer; return when all can be used.

        Never takes partitions away. Raises ConfigError for what the broker will never do.
        """

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has; TryAgain when there is no such topic."""

    def starts(self, topic: str) -> dict[int, int]:
        """Return the first offset that is kept, by partition."""

    def ends(self, topic: str) -> dict[int, int]:
        """Return the offset that the next record will have, by partition."""

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return the group's committed offsets, by partition; those without one are left out."""

    def ping(self) -> None:
        """Return when the broker answers."""

    def close(self) -> None:
        """Let go of the connections."""


class Broker(Protocol):
    """Makes the clients of one process."""

    def producer(self) -> Producer:
        """Return a producer for what must not be lost."""

    def heart(self) -> Producer:
        """Return a producer for what is worth nothing a few seconds later."""

    def consumer(self, group: str, topic: str) -> Consumer:
        """Return a new member of the group, which shares the topic's partitions out among its members."""

    def tail(self, topic: str) -> Consumer:
        """Return a consumer of all partitions, in no group, of what is sent from now on."""

    def kept(self, topic: str) -> Iterator[Record]:
        """Return all that the topic holds now, in no group, each partition in order; raise TryAgain("kafka")."""

    def admin(self) -> Admin:
        """Return the admin."""

    def close(self) -> None:
        """Close the clients that are still open."""


def open(settings: Kafka, client_id: str) -> Broker:  # noqa: A001 - reads as broker.open
    """Return the Kafka of the settings; connects to nothing yet."""
    from pixo.broker.kafka import KafkaBroker  # noqa: PLC0415 - it stands on this module

    return KafkaBroker(settings, client_id)


__all__ = ["Admin", "Broker", "Consumer", "Producer", "Record", "open"]
