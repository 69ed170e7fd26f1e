"""A broker without a server, in this process, for tests."""

import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait

from msgspec import Struct

from pixo.broker import Record
from pixo.broker.offsets import Offsets
from pixo.errors import TryAgain
from pixo.topics import Topic


class _Group(Struct):
    committed: dict[tuple[str, int], int] = {}
    members: list["MemoryConsumer"] = []


class MemoryBroker:
    """Topics, groups and offsets in memory; safe to use from many threads.

    Commits at once. While ``down`` is true nothing can be sent or asked, and polls find nothing.
    """

    def __init__(self) -> None:
        self.down = False
        self.changed = threading.Condition(threading.RLock())
        """Held for every look and change; notified when there is something new to see."""
        self.logs: dict[str, list[list[Record]]] = {}
        self.groups: dict[str, _Group] = {}

    def producer(self) -> "MemoryProducer":
        """Return a producer."""
        return MemoryProducer(self)

    def heart(self) -> "MemoryProducer":
        """Return a producer: none is quicker to forget here."""
        return MemoryProducer(self)

    def consumer(self, group: str, topic: str) -> "MemoryConsumer":
        """Return a new member of the group; its partitions come with its first poll."""
        return MemoryConsumer(self, group, topic)

    def tail(self, topic: str) -> "MemoryConsumer":
        """Return a consumer of all partitions, in no group, of what is sent from now on."""
        return MemoryConsumer(self, None, topic)

    def kept(self, topic: str) -> Iterator[Record]:
        """Return all that the topic holds now; see the protocol."""
        with self.changed:
            return iter([record for log in self.log(topic) for record in log])

    def admin(self) -> "MemoryAdmin":
        """Return the admin."""
        return MemoryAdmin(self)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def log(self, topic: str) -> list[list[Record]]:
        """Return the topic's partitions; raise TryAgain when they cannot be had."""
        if self.down:
            raise TryAgain("kafka", "the broker is down")
        if topic not in self.logs:
            raise TryAgain("kafka", f"there is no topic {topic}")
        return self.logs[topic]


class MemoryProducer:
    """Sends are there at once."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._turn = 0
        self._closed = False

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int | None = None,
        key: bytes | str | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Future[None]:
        """Send a record; the future is done when this returns."""
        future: Future[None] = Future()
        with self._broker.changed:
            try:
                self._append(topic, value, partition, key, dict(headers or {}))
            except TryAgain as error:
                future.set_exception(error)
            else:
                future.set_result(None)
        return future

    def settle(self, futures: Iterable[Future[None]], timeout: float = 30.0) -> None:
        """Raise the first error of these."""
        for future in wait(list(futures), timeout).done:
            future.result()

    def close(self, timeout: float = 10.0) -> None:  # noqa: ARG002 - the protocol's
        """Send nothing more."""
        self._closed = True

    def _append(
        self,
        topic: str,
        value: bytes | None,
        partition: int | None,
        key: bytes | str | None,
        headers: dict[str, bytes],
    ) -> None:
        if self._closed:
            raise TryAgain("kafka", "the producer is closed")
        log = self._broker.log(topic)
        number = self._choose(len(log), key) if partition is None else partition
        if number >= len(log):
            raise TryAgain("kafka", f"topic {topic} has no partition {number}")
        stamp = int(time.time() * 1000)
        log[number].append(Record(topic, number, len(log[number]), value, headers, stamp))
        self._broker.changed.notify_all()

    def _choose(self, count: int, key: bytes | str | None) -> int:
        if key is not None:
            return zlib.crc32(key.encode() if isinstance(key, str) else key) % count
        self._turn += 1
        return self._turn % count


class MemoryConsumer:
    """A member of a group, or a tail where the group is None."""

    def __init__(self, broker: MemoryBroker, group: str | None, topic: str) -> None:
        self.topic = topic
        self._broker = broker
        self._paused = False
        self._joined = False
        self._offsets = Offsets()
        self._positions: dict[int, int] = {}
        with broker.changed:
            self._group = broker.groups.setdefault(group, _Group()) if group is not None else None
            if self._group:
                self._group.members.append(self)
            else:
                self._positions = {p: len(log) for p, log in enumerate(broker.logs.get(topic, ()))}
            broker.changed.notify_all()

    @property
    def ready(self) -> bool:
        """Whether the group was joined: with the first poll."""
        return self._joined

    def assigned(self) -> frozenset[int]:
        """Return the partitions held now."""
        return frozenset(self._positions)

    def poll(self, timeout: float) -> Record | None:
        """Return the next record, or None; see the protocol."""
        deadline = time.monotonic() + timeout
        with self._broker.changed:
            while True:
                record = self._next()
                left = deadline - time.monotonic()
                if record or left <= 0:
                    return record
                self._broker.changed.wait(left)

    def pause(self) -> None:
        """Let polls give no records until ``resume``."""
        self._paused = True

    def resume(self) -> None:
        """Let polls give records again."""
        self._paused = False

    def done(self, record: Record) -> None:
        """Take note that the record's effect is there; see the protocol."""
        with self._broker.changed:
            self._share()
            offset = self._offsets.done(record.partition, record.offset)
            if offset is not None and self._group:
                self._group.committed[self.topic, record.partition] = offset

    def close(self) -> None:
        """Leave the group."""
        with self._broker.changed:
            self._offsets.forget(list(self._positions))
            self._positions = {}
            if self._group and self in self._group.members:
                self._group.members.remove(self)
            self._broker.changed.notify_all()

    def _next(self) -> Record | None:
        if self._broker.down:
            return None
        self._share()
        if self._paused:
            return None
        logs = self._broker.logs.get(self.topic, [])
        for partition, position in list(self._positions.items()):
            if position < len(logs[partition]):
                # To the end: the others' turn is next.
                self._positions[partition] = self._positions.pop(partition) + 1
                self._offsets.delivered(partition, position)
                return logs[partition][position]
        return None

    def _share(self) -> None:
        """Take what is this member's share by now, give back what is not."""
        self._joined = True
        partitions = range(len(self._broker.logs.get(self.topic, ())))
        if self._group is None:
            for partition in partitions:
                self._positions.setdefault(partition, 0)
            return
        members = [member for member in self._group.members if member.topic == self.topic]
        share = {p for p in partitions if members and members[p % len(members)] is self}
        gone = self._positions.keys() - share
        self._offsets.forget(gone)
        for partition in gone:
            del self._positions[partition]
        for partition in sorted(share - self._positions.keys()):
            self._positions[partition] = self._group.committed.get((self.topic, partition), 0)


class MemoryAdmin:
    """Looks after the topics of the memory broker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def ensure(self, topics: Sequence[Topic]) -> None:
        """Create what is missing and add partitions where there are fewer."""
        with self._broker.changed:
            self.ping()
            for topic in topics:
                log = self._broker.logs.setdefault(topic.name, [])
                log.extend([] for _ in range(topic.partitions - len(log)))
            self._broker.changed.notify_all()

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has; see the protocol."""
        with self._broker.changed:
            return len(self._broker.log(topic))

    def starts(self, topic: str) -> dict[int, int]:
        """Return the first offset that is kept, by partition: nothing is ever dropped."""
        return dict.fromkeys(range(self.partitions(topic)), 0)

    def ends(self, topic: str) -> dict[int, int]:
        """Return the offset that the next record will have, by partition."""
        with self._broker.changed:
            return {partition: len(log) for partition, log in enumerate(self._broker.log(topic))}

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return the group's committed offsets, by partition; see the protocol."""
        with self._broker.changed:
            self.ping()
            found = self._broker.groups.get(group, _Group()).committed
            return {partition: offset for (name, partition), offset in found.items() if name == topic}

    def ping(self) -> None:
        """Return when the broker is not down."""
        if self._broker.down:
            raise TryAgain("kafka", "the broker is down")

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
