"""The world of the protocol's model: the real scripts on a real server, a simulated Kafka, a simulated store."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from pixo.imaging.plan import Output, Plan
from pixo.marks import Offsets
from pixo.state import State
from pixo.state.records import Spec

# Time passes by a millisecond with every look at it, and otherwise only when the model says so.
CLOCK = "local function now() return redis.call('INCR', 'pixo:clock') end"
LANES = 3


class Died(Exception):
    """Raised inside an actor whose process ends here and now."""


class Stopped(Exception):
    """Raised inside an actor whose process was asked to stop."""


@dataclass
class Record:
    """A record as its consumer gets it."""

    partition: int
    offset: int
    epoch: int
    value: Any


class Topic:
    """Logs by partition with the committed offsets of one group; a partition belongs to one member at a time."""

    def __init__(self, partitions: int) -> None:
        self.logs: list[list[Any]] = [[] for _ in range(partitions)]
        self.committed = [0] * partitions
        self.members: list[str] = []
        self._owners: list[str | None] = [None] * partitions
        self._epochs = [0] * partitions

    def send(self, key: int, value: Any) -> None:
        """Append to the partition of the key."""
        self.logs[key % len(self.logs)].append(value)

    def join(self, member: str) -> None:
        """Add a member and share the partitions out anew."""
        self.members.append(member)
        self._share()

    def leave(self, member: str) -> None:
        """Drop a member; what it has not committed is delivered again."""
        if member in self.members:
            self.members.remove(member)
        self._share()

    def next(self, member: str) -> Record | None:
        """Give the next record of the member's partitions."""
        for p, owner in enumerate(self._owners):
            if owner == member and self.committed[p] < len(self.logs[p]):
                return Record(p, self.committed[p], self._epochs[p], self.logs[p][self.committed[p]])
        return None

    def store(self, record: Record) -> None:
        """Commit, unless the partition has changed hands."""
        if record.epoch == self._epochs[record.partition]:
            self.committed[record.partition] = record.offset + 1

    def wipe(self) -> None:
        """Lose all records and offsets, as a broker that keeps them in memory does."""
        self.logs = [[] for _ in self.logs]
        self.committed = [0] * len(self.logs)
        self._epochs = [epoch + 1 for epoch in self._epochs]

    def look(self) -> Offsets:
        """Give what the reconciler sees."""
        return Offsets(
            starts=dict.fromkeys(range(len(self.logs)), 0),
            ends={p: len(log) for p, log in enumerate(self.logs)},
            committed=dict(enumerate(self.committed)),
        )

    def unconsumed(self) -> list[Any]:
        """Give the records that the group has yet to finish."""
        return [value for p, log in enumerate(self.logs) for value in log[self.committed[p] :]]

    def _share(self) -> None:
        for p in range(len(self.logs)):
            owner = self.members[p % len(self.members)] if self.members else None
            if owner != self._owners[p]:
                self._owners[p], self._epochs[p] = owner, self._epochs[p] + 1


@dataclass
class Actor:
    """Something that takes steps, between any two of which its process may die."""

    process: str
    steps: Generator[bool | None]


@dataclass
class Ledger:
    """What really happened and what was promised, apart from Redis."""

    accepted: set[str] = field(default_factory=set)
    cancelled: dict[str, int] = field(default_factory=dict)
    deleting: set[str] = field(default_factory=set)
    """The delete has begun: the client may or may not get its answer."""
    deleted: set[str] = field(default_factory=set)
    retrying: set[str] = field(default_factory=set)
    done: dict[str, str] = field(default_factory=dict)
    open: dict[tuple[str, int, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    finished: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    lossy: bool = False
    """Redis has lost something: what it says may be older than what happened."""


class World:
    """Everything outside the actors."""

    def __init__(self, url: str) -> None:
        client = Redis.from_url(url, protocol=2)
        client.flushdb()
        self.client = client
        self.state = State(client, client, clock=CLOCK)
        self.tasks, self.results = Topic(LANES), Topic(2)
        self.store: dict[str, tuple[Any, int]] = {}
        self.ledger = Ledger()
        self.poison: set[tuple[str, int]] = set()
        self.actors: list[Actor] = []
        self.zombies: list[Actor] = []
        self.processes: dict[str, str] = {}
        self.stutter = 0
        """How many of the next calls lose their first answer and are made again, as the client library does."""
        self._count = 0
        inner = self.state.jobs._run

        def run(name: str, id: str, *args: object) -> Any:
            if self.stutter:
                self.stutter -= 1
                inner(name, id, *args)
            return inner(name, id, *args)

        def run_durably(name: str, id: str, *args: object) -> Any:
            reply = run(name, id, *args)
            self.waitaof()
            return reply

        self.state.jobs._run, self.state.jobs._run_durably = run, run_durably
        self.time = 1_700_000_000_000
        client.set("pixo:clock", self.time)
        self.saved = self._save()

    # Time and names

    def now(self) -> int:
        """Give the time in ms."""
        self.time = int(self.client.incr("pixo:clock"))
        return self.time

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.time = int(self.client.incrby("pixo:clock", ms))

    def name(self, kind: str) -> str:
        """Give a name that nothing else has."""
        self._count += 1
        return f"{kind}{self._count}"

    def spec(self, tiles: int, *, small: bool, window: int, skip: float, deadline_s: float) -> Spec:
        """Give a new job."""
        plan = Plan(
            width=8, height=16 * tiles, source="png", engine="stream", mode="L", depth=8, chain="grayscale",
            out_mode="L", output=Output(format="png"), piece="png", rows=16, skip=skip, seconds=1.0,
        )  # fmt: skip
        return Spec(
            id=self.name("job"), created=self.now() / 1000, filename="a.png", bytes=1, filters="grayscale",
            small=small, weight=tiles, deadline_s=deadline_s, window=window, plan=plan,
        )  # fmt: skip

    # The store

    def put(self, key: str, value: Any) -> None:
        """Write a blob."""
        self.store[key] = (value, self.now())

    def get(self, key: str) -> Any:
        """Give a blob, None if there is none."""
        return self.store[key][0] if key in self.store else None

    def drop(self, prefix: str) -> None:
        """Delete all blobs under the prefix."""
        for key in [key for key in self.store if key.startswith(prefix)]:
            del self.store[key]

    # Redis: what is on disk, and losing what is not

    def waitaof(self) -> None:
        """Put everything so far on Redis' disk."""
        self.saved = self._save()

    def lose_second(self) -> None:
        """Bring Redis back to what was on its disk."""
        self._restore(self.saved)
        self.ledger.lossy = True
        self.ledger.finished.clear()

    def lose_all(self) -> None:
        """Bring Redis back empty, its scripts forgotten."""
        self._restore({})
        self.client.script_flush()
        self.saved = self._save()
        self.ledger.lossy = True
        self.ledger.finished.clear()
        for id, final in list(self.ledger.done.items()):
            end, spec = self.get(f"jobs/{id}/end"), self.get(f"jobs/{id}/job")
            if not (end and spec and end.r == spec.r and end.final == final):
                del self.ledger.done[id]  # it will run again

    def _save(self) -> dict[bytes, bytes]:
        names = self.client.keys("*")
        pipeline = self.client.pipeline(transaction=False)
        for name in names:
            pipeline.dump(name)
        return dict(zip(names, pipeline.execute(), strict=True))

    def _restore(self, saved: dict[bytes, bytes]) -> None:
        now = self.now()
        pipeline = self.client.pipeline(transaction=False)
        pipeline.flushdb()
        for name, raw in saved.items():
            pipeline.restore(name, 0, raw, replace=True)
        pipeline.set("pixo:clock", now)
        pipeline.execute()

    # Processes

    def spawn(self, process: str, steps: Generator[bool | None]) -> None:
        """Have an actor begin."""
        self.actors.append(Actor(process, steps))

    def stop(self, process: str) -> None:
        """End a process as SIGTERM does: its actors may tidy up."""
        for actor in [actor for actor in self.actors if actor.process == process]:
            with contextlib.suppress(Stopped, StopIteration):
                actor.steps.throw(Stopped)
        self.crash(process, zombie=False)

    def step(self, actor: Actor) -> bool:
        """Have an actor take one step; tell whether it had one to take."""
        try:
            return not next(actor.steps)
        except StopIteration:
            for group in (self.actors, self.zombies):
                if actor in group:
                    group.remove(actor)
        except Died:
            self.crash(actor.process, zombie=False)
        return True

    def step_one(self, group: list[Actor], number: int) -> None:
        """Have one of the actors take a step, the first from ``number`` on that has one to take."""
        for actor in [*group[number % len(group) :], *group[: number % len(group)]]:
            if self.step(actor):
                return

    def start(self, kind: str, make: Callable[[str], Iterable[Generator[bool | None]]]) -> str:
        """Start a process with its actors; workers and results join their groups."""
        name = self.name(kind)
        self.processes[name] = kind
        for steps in make(name):
            self.spawn(name, steps)
        if kind == "worker":
            self.tasks.join(name)
        if kind == "results":
            self.results.join(name)
        return name

    def crash(self, process: str, *, zombie: bool) -> None:
        """End a process; as a zombie its actors may still take steps, cut off from its group."""
        mine = [actor for actor in self.actors if actor.process == process]
        self.actors = [actor for actor in self.actors if actor.process != process]
        if zombie:
            self.zombies = (self.zombies + mine)[-6:]
        else:
            self.zombies = [actor for actor in self.zombies if actor.process != process]
        self.processes.pop(process, None)
        self.tasks.leave(process)
        self.results.leave(process)
