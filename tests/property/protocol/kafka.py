"""A simulated Kafka: logs with retention, groups whose commits lag, producers whose records are on their way."""

import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from itertools import count

from pixo.broker import Record
from pixo.broker.offsets import Offsets
from pixo.errors import TryAgain
from tests.property.protocol.processes import Process, pause

BEYOND_MS = 60_000
"""Time after which a consumer that stands beyond the end of a log starts over (``pixo.broker.watch``)."""


class Log:
    """One partition: the records that are kept, and the offset of the first."""

    def __init__(self) -> None:
        self.start = 0
        self.records: list[bytes | None] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.start + len(self.records)

    def get(self, offset: int) -> bytes | None:
        """Give the record at the offset."""
        return self.records[offset - self.start]

    def drop(self, count: int) -> None:
        """Let retention take the oldest records."""
        self.start += len(self.records[:count])
        del self.records[:count]


class Group:
    """Who consumes a topic, and how far they say they have come."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {}
        self.members: list[Consumer] = []
        self.owners: dict[int, tuple[Consumer | None, int]] = {}
        """By partition: the member that holds it, and a number that each assignment has of its own."""
        self._epochs = count(1)

    def share(self, partitions: int, *, anew: bool = False) -> None:
        """Share the partitions out among the members; ``anew`` all of them, as after a restart of the broker."""
        before, self.owners = self.owners, {}
        for p in range(partitions):
            owner = self.members[p % len(self.members)] if self.members else None
            kept = before.get(p)
            self.owners[p] = kept if kept and kept[0] is owner and not anew else (owner, next(self._epochs))


class Kafka:
    """Topics and the one group of each."""

    def __init__(self, clock, trouble, partitions: Mapping[str, int]) -> None:
        self.clock = clock
        """Gives the time in ms."""
        self.trouble = trouble
        """Gives what goes wrong with the next request, if anything."""
        self.topics = {name: [Log() for _ in range(number)] for name, number in partitions.items()}
        self.groups = {name: Group() for name in partitions}

    def ask(self) -> None:
        """Be asked something by somebody, who may get no answer."""
        pause()
        if self.trouble("kafka"):
            raise TryAgain("kafka", "no answer")

    # What can happen to it

    def grow(self, name: str, partitions: int) -> None:
        """Add partitions."""
        logs = self.topics[name]
        logs.extend(Log() for _ in range(partitions - len(logs)))
        self.groups[name].share(len(logs))

    def remake(self, name: str, partitions: int, *, keep_offsets: bool, anew: bool) -> None:
        """Lose the topic's records and make it again; committed offsets may outlive it, and members may not notice."""
        self.topics[name] = [Log() for _ in range(partitions)]
        group = self.groups[name]
        group.committed = {p: at for p, at in group.committed.items() if keep_offsets and p < partitions}
        group.share(partitions, anew=anew)

    def set_back(self, name: str, partition: int, offset: int | None) -> None:
        """Have a group's offset be an older one, or none; its members come together anew."""
        group = self.groups[name]
        group.committed.pop(partition, None)
        if offset is not None:
            group.committed[partition] = offset
        group.share(len(self.topics[name]), anew=True)

    def unconsumed(self, name: str) -> list[bytes | None]:
        """Give the records that the group has yet to finish."""
        committed = self.groups[name].committed
        return [
            value
            for p, log in enumerate(self.topics[name])
            for value in log.records[max(0, committed.get(p, 0) - log.start) :]
        ]


class Producer:
    """Sends from a thread of its own: what is on its way when the process ends may arrive or not."""

    def __init__(self, kafka: Kafka, process: Process) -> None:
        self._kafka = kafka
        self._under_way: list[tuple[Future[None], str, bytes | None, int]] = []
        process.spawn(self._deliver)

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int | None = None,
        key: bytes | str | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Future[None]:
        """Put the record on its way."""
        name = key.encode() if isinstance(key, str) else key or b""
        number = zlib.crc32(name) % len(self._kafka.topics[topic]) if partition is None else partition
        future: Future[None] = Future()
        self._under_way.append((future, topic, value, number))
        return future

    def settle(self, futures: Iterable[Future[None]], timeout: float = 30.0) -> None:
        """Stand still until all have arrived; raise the first error."""
        for future in list(futures):
            pause(future.done)
            future.result()

    def _deliver(self) -> None:
        while True:
            pause(lambda: self._under_way)
            self._arrive(*self._under_way.pop(0))

    def _arrive(self, future: Future[None], topic: str, value: bytes | None, number: int) -> None:
        trouble = self._kafka.trouble("kafka")
        logs = self._kafka.topics[topic]
        if number >= len(logs) or trouble == "lost":
            future.set_exception(TryAgain("kafka", "not delivered"))
            return
        logs[number].records.append(value)
        if trouble == "mute":
            future.set_exception(TryAgain("kafka", "no answer"))
        else:
            future.set_result(None)


class Consumer:
    """A member of a topic's group. Offsets are stored at once and committed later, from a thread of its own."""

    def __init__(self, kafka: Kafka, process: Process, topic: str) -> None:
        self.topic = topic
        self.ready = True
        self._kafka = kafka
        self._process = process
        self._group = kafka.groups[topic]
        self._offsets = Offsets()
        self._held: dict[int, tuple[int, int]] = {}
        """By partition: the number of the assignment and the position."""
        self._stored: dict[int, tuple[int, int]] = {}
        self._beyond: dict[int, int] = {}
        self._paused = False
        self.join()
        process.leave.append(self.leave)
        process.spawn(self._commit_now_and_then)

    def join(self) -> None:
        """Be a member (again, after others took it for dead)."""
        if self not in self._group.members:
            self._group.members.append(self)
            self._group.share(len(self._kafka.topics[self.topic]))

    def leave(self) -> None:
        """Be a member no more."""
        if self in self._group.members:
            self._group.members.remove(self)
            self._group.share(len(self._kafka.topics[self.topic]))

    def assigned(self) -> frozenset[int]:
        """Give the partitions that it believes to hold."""
        return frozenset(self._held)

    def poll(self, timeout: float) -> Record | None:
        """Give the next record, None if there is none."""
        end = self._kafka.clock() + timeout * 1000
        pause(lambda: self._something_to_see() or self._kafka.clock() >= end)
        self._follow_the_group()
        if self._paused:
            return None
        logs = self._kafka.topics[self.topic]
        for p in [*self._held]:
            epoch, position = self._held[p]
            if p >= len(logs):
                continue
            log = logs[p]
            if position < log.start or self._beyond_for_long(p, position, log):
                position = self._start_over(p, epoch, log)
            if log.start <= position < log.end:
                del self._held[p]  # to the end: the others' turn is next
                self._held[p] = (epoch, position + 1)
                self._offsets.delivered(p, position)
                return Record(self.topic, p, position, log.get(position))
        return None

    def pause(self) -> None:
        """Let polls give no records."""
        self._paused = True

    def resume(self) -> None:
        """Let polls give records."""
        self._paused = False

    def done(self, record: Record) -> None:
        """Store the offset, once none before it is missing."""
        offset = self._offsets.done(record.partition, record.offset)
        if offset is not None and record.partition in self._held:
            self._stored[record.partition] = (self._held[record.partition][0], offset)

    def close(self) -> None:
        """Commit and leave."""
        pause()
        self._commit()
        self.leave()

    def _something_to_see(self) -> bool:
        logs = self._kafka.topics[self.topic]
        mine = {p: epoch for p, (owner, epoch) in self._group.owners.items() if owner is self}
        if self in self._group.members and mine != {p: epoch for p, (epoch, _) in self._held.items()}:
            return True
        return not self._paused and any(
            at < logs[p].end or self._beyond_for_long(p, at, logs[p])
            for p, (_, at) in self._held.items()
            if p < len(logs)
        )

    def _beyond_for_long(self, p: int, position: int, log: Log) -> bool:
        if position <= log.end:
            self._beyond.pop(p, None)
            return False
        return self._kafka.clock() - self._beyond.setdefault(p, self._kafka.clock()) >= BEYOND_MS

    def _follow_the_group(self) -> None:
        if self not in self._group.members:
            return  # cut off, it goes on with what it believes to hold
        mine = {p: epoch for p, (owner, epoch) in self._group.owners.items() if owner is self}
        gone = {p for p, (epoch, _) in self._held.items() if mine.get(p) != epoch}
        if gone:
            self._commit()
            self._offsets.forget(gone)
        for p in gone:
            del self._held[p]
            self._stored.pop(p, None)
        for p, epoch in mine.items():
            if p not in self._held:
                log = self._kafka.topics[self.topic][p]
                self._held[p] = (epoch, self._group.committed.get(p, log.start))

    def _start_over(self, p: int, epoch: int, log: Log) -> int:
        """Read from the start: retention has passed the position, or it is beyond the end since a minute."""
        self._beyond.pop(p, None)
        self._offsets.forget([p])
        self._stored[p] = self._held[p] = (epoch, log.start)
        self._commit()
        return log.start

    def _commit_now_and_then(self) -> None:
        while True:
            pause(lambda: self._stored)
            self._commit()

    def _commit(self) -> None:
        for p, (epoch, offset) in self._stored.items():
            if self._group.owners.get(p) == (self, epoch):
                self._group.committed[p] = offset
        self._stored.clear()


class Admin:
    """Answers questions."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    def partitions(self, topic: str) -> int:
        """Give how many partitions there are."""
        self._kafka.ask()
        return len(self._kafka.topics[topic])

    def starts(self, topic: str) -> dict[int, int]:
        """Give the first offsets."""
        self._kafka.ask()
        return {p: log.start for p, log in enumerate(self._kafka.topics[topic])}

    def ends(self, topic: str) -> dict[int, int]:
        """Give the next offsets."""
        self._kafka.ask()
        return {p: log.end for p, log in enumerate(self._kafka.topics[topic])}

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Give the group's offsets."""
        self._kafka.ask()
        return dict(self._kafka.groups[topic].committed)
