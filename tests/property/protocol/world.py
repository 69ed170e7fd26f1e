"""The world of the model: the real scripts on a real server, the real roles, a simulated Kafka, store and time."""

import contextlib
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import msgspec

from pixo import messages
from pixo.imaging.plan import Output, Plan
from pixo.state import State, keys
from pixo.state.records import End, Spec, Worker
from pixo.store import names
from services.results import joiner
from services.web import submit
from tests.property.protocol import roles
from tests.property.protocol.blobs import Blobs
from tests.property.protocol.kafka import Consumer, Kafka
from tests.property.protocol.processes import Process, Thread
from tests.property.protocol.server import CLOCK, Client, Server

BEGAN = 1_700_000_000_000
SEED = 0
BEATS_FOR = 15_000
"""Time for which a process that is gone still counts as alive."""
PARTITIONS = {"tasks": 3, "results": 2, "dead-letters": 1}


@dataclass
class Ledger:
    """What really happened and what was promised, apart from Redis."""

    accepted: set[str] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cancelled: dict[str, int] = field(default_factory=dict)
    deleting: set[str] = field(default_factory=set)
    """The delete has begun: the client may or may not get its answer."""
    deleted: set[str] = field(default_factory=set)
    retrying: set[str] = field(default_factory=set)
    open: dict[tuple[str, int, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    finished: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    done: dict[str, str] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    lossy: bool = False
    """Redis has lost something: what it says may be older than what happened."""

    def accept(self, id: str, key: str | None) -> None:
        """Note that a client was told that its job is there."""
        self.accepted.add(id)
        if key is not None:
            self.keys[key].add(id)

    def ask(self, what: str, id: str) -> None:
        """Note that a client wants something of a job."""
        if what == "retry":
            self.retrying.add(id)
        if what == "delete":
            self.deleting.add(id)
        if what != "cancel":
            self.cancelled.pop(id, None)

    def answer(self, what: str, id: str, jobs: Any) -> None:
        """Note that a client was told that it is so."""
        if what == "delete":
            self.deleted.add(id)
        if what == "cancel" and id not in self.retrying | self.deleting:
            job = jobs.read(id)
            if job is not None and job.status == "cancelled":
                self.cancelled[id] = job.r


class Roster:
    """The workers' heartbeats, heard at once and believed for a while."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._watched: list[tuple[Process, Consumer]] = []
        self._last: dict[str, int] = {}

    def watch(self, process: Process, consumer: Consumer) -> None:
        """Hear a new worker."""
        self._watched.append((process, consumer))

    def alive(self, role: str | None = "worker") -> list[Worker]:
        """Give the workers that beat not long ago."""
        now = self._clock()
        for process, _ in self._watched:
            if not (process.dead or process.cut_off):
                self._last[process.name] = now
        self._watched = [one for one in self._watched if now - self._last.get(one[0].name, 0) < BEATS_FOR]
        return [
            Worker(
                id=process.name, role="worker", host="", version="", started=0.0, seen=now / 1000,
                partitions=sorted(consumer.assigned()),
            )
            for process, consumer in self._watched
        ]  # fmt: skip


class World:
    """Everything outside the processes."""

    def __init__(self, url: str) -> None:
        random.seed(SEED)  # of the real loop, whose pauses vary
        self.server = Server(url)
        self.wall = BEGAN
        """What all clocks show but the server's."""
        self.skew = 0
        """How far the server's clock is from that."""
        self.steps = 0
        self.stats: Counter[str] = Counter()
        self.excused = 0
        """How many things have happened for which tasks that wait may be published again."""
        self.again: Counter[tuple[str, int, int]] = Counter()
        """How often a task was published again although it waited."""
        self.touched: set[str] = set()
        self.ledger = Ledger()
        self.poison: dict[tuple[str, int], str] = {}
        self.keyed: dict[str, Spec] = {}
        """What was sent with each Idempotency-Key."""
        self.marks: dict[str, Any] = {}
        self._troubles: dict[str, list[str]] = {"redis": [], "kafka": [], "store": [], "twice": []}
        self._count = 0
        client = Client.from_url(url, protocol=2)
        client.trouble = self._trouble
        self.state = State(client, client, clock=CLOCK)
        self.plain = State(self.server.client, self.server.client, clock=CLOCK)
        self.store = Blobs(lambda: self.wall, self._trouble, self.touched)
        self.kafka = Kafka(lambda: self.wall, self._trouble, PARTITIONS)
        self.roster = Roster(lambda: self.wall)
        self.state.workers = self.roster
        self.state.now_ms = self.server_ms
        self._run = self.state.jobs._run
        self.state.jobs._run, self.state.jobs._run_durably = self.run, self.run_durably
        self.processes: list[Process] = []
        self.webs: list[roles.Web] = []
        self._patches = contextlib.ExitStack()
        for target, name, stand_in in (
            (submit, "token_hex", lambda _: self.name("job")),
            (submit, "_specify", roles.specify),
            (submit.upload, "receive", roles.receive),
            (joiner, "token_hex", lambda _: self.name("f")),
            (joiner, "join", roles.put_together),
            (joiner, "read_metadata", lambda _: None),
        ):
            self._patches.enter_context(mock.patch.object(target, name, stand_in))
        self.advance(1)
        self.server.fsync()

    def close(self) -> None:
        """End everything."""
        for process in self.processes:
            process.dead = True
            process.reap()
        self._patches.close()
        self.state.close()
        self.server.close()

    # Time and names

    def server_ms(self) -> int:
        """Give the server's time in ms."""
        return self.wall + self.skew

    def seconds(self) -> float:
        """Give the time of all others in seconds."""
        return self.wall / 1000

    def advance(self, ms: int, skew: int = 0) -> None:
        """Let time pass; let the server's clock be set besides."""
        self.wall += ms
        self.skew += skew
        self.server.set_clock(self.server_ms())
        if ms > 3_600_000:
            self.server.age(ms)

    def name(self, kind: str) -> str:
        """Give a name that nothing else has."""
        self._count += 1
        return f"{kind}{self._count}"

    def spec(self, tiles: int, *, small: bool, window: int, skip: float, deadline_s: float, keep_s: float) -> Spec:
        """Give a new job."""
        plan = Plan(
            width=8, height=16 * tiles, source="png", engine="stream", mode="L", depth=8, chain="grayscale",
            out_mode="L", output=Output(format="png"), piece="png", rows=16, skip=skip, seconds=1.0,
        )  # fmt: skip
        return Spec(
            id="", created=self.wall / 1000, filename="a.png", bytes=6, filters="grayscale", small=small,
            weight=tiles, deadline_s=deadline_s, keep_s=keep_s, window=window, plan=plan,
        )  # fmt: skip

    # What goes wrong

    def cause(self, part: str, what: str) -> None:
        """Have the next request to a part be ``lost`` on its way, or its answer (``mute``); a script run ``twice``."""
        self._troubles[part].append(what)

    def calm(self) -> None:
        """Have nothing go wrong any more."""
        for waiting in self._troubles.values():
            waiting.clear()

    def _trouble(self, part: str) -> str:
        waiting = self._troubles[part]
        return waiting.pop(0) if waiting else ""

    def lose_second(self) -> None:
        """Bring Redis back without what was not on its disk."""
        self.server.lose_second()
        self._lost(1_000)

    def lose_all(self) -> None:
        """Bring Redis back empty."""
        self.server.lose_all()
        self._lost(1_000)
        self.ledger.keys.clear()
        for id, final in list(self.ledger.done.items()):
            end, record = self.store.see(names.end(id)), self.store.see(names.job_record(id))
            if end and record:
                known = msgspec.json.decode(end, type=End)
                if known.r == msgspec.json.decode(record, type=Spec).r and known.final == final:
                    continue
            del self.ledger.done[id]  # it will run again

    def _lost(self, ms: int) -> None:
        self.advance(ms)
        self.ledger.lossy = True
        self.ledger.finished.clear()
        self.touched |= {key.split("/")[1] for key in self.store.kept} | self.ledger.accepted

    # Scripts, and what is noted of them

    def run(self, name: str, id: str, *args: object) -> Any:
        """Run a script of a job."""
        ledger = self.ledger
        if name == "begin":
            ledger.open[id, int(args[0]), int(args[1])].add(str(args[2]))
        out = self._out(id) if name == "recheck" else set()
        self.touched.add(id)
        reply = self._run(name, id, *args)
        if self._troubles["twice"]:
            self._troubles["twice"].pop()
            reply = self._again(name, id, *args)
        self.touched.add(id)
        if (name == "begin" and reply not in (b"go", b"again")) or name == "give_back":
            ledger.open[id, int(args[0]), int(args[1])].discard(str(args[2]))
        if name == "finish_join" and reply:
            ledger.finished[id, int(args[0])].add(str(args[1]))
            ledger.done[id] = str(args[2])
        if name == "complete" and reply[0] == b"done":  # an image of one tile: its piece is the final
            ledger.finished[id, int(args[0])].add(str(args[4]))
            ledger.done[id] = str(args[4])
        if name == "recheck" and out:
            self._note_again(id, int(reply[1]), out & set(reply[4::3]))
        return reply

    def run_durably(self, name: str, id: str, *args: object) -> Any:
        """Run a script of a job; its effect is on the disk before anybody takes another step."""
        reply = self.run(name, id, *args)
        self.server.fsync()
        return reply

    def _again(self, name: str, id: str, *args: object) -> Any:
        """Run a script again, as the client library does when the answer was lost: 9, it has no further effect."""
        # The deadline, which time without workers moves, may be moved twice: by seconds, of an hour at least.
        first = 1 if name == "recheck" else 0
        before = self._dump(id)[first:]
        reply = self.plain.jobs._run(name, id, *args)
        assert name == "take" or self._dump(id)[first:] == before, f"{name} run twice did something twice"
        return reply

    def _dump(self, id: str) -> list[bytes | None]:
        return [self.server.client.dump(key) for key in keys.of_job(id)[:-1]]

    def _out(self, id: str) -> set[int]:
        return {int(n) for n in self.server.client.zrange(f"pixo:job:{{{id}}}:out", 0, -1)}

    def _note_again(self, id: str, gen: int, tiles: set[int]) -> None:
        """Count tasks that were found lost, apart those of them that wait in Kafka."""
        if not tiles:
            return
        waiting = {task.tile for task in self.waiting() if (task.job, task.gen) == (id, gen)}
        self.stats["lost and published again"] += len(tiles - waiting)
        self.stats["waiting and published again"] += len(tiles & waiting)
        for tile in tiles & waiting:
            self.again[id, gen, tile] += 1

    def waiting(self) -> list[messages.TileTask]:
        """Give the tasks in Kafka that nobody has finished."""
        return [messages.decode(value) for value in self.kafka.unconsumed("tasks")]

    # Processes

    def start(self, kind: str) -> Process:
        """Start a process."""
        process = Process(self.name(kind), kind, self.seconds)
        self.processes.append(process)
        match kind:
            case "worker":
                roles.worker(self, process)
            case "results":
                roles.results(self, process)
            case "web":
                self.webs.append(roles.Web(self, process))
        return process

    def running(self, kind: str | None = None) -> list[Process]:
        """Give the processes that run, of a kind or all."""
        self.processes = [one for one in self.processes if not one.dead]
        self.webs = [web for web in self.webs if not web.process.dead]
        return [one for one in self.processes if not one.cut_off and kind in (None, one.kind)]

    def threads(self, *, cut_off: bool = False) -> list[Thread]:
        """Give the threads of processes that run, or of those that are cut off."""
        return [thread for one in self.processes if one.cut_off == cut_off for thread in one.threads]

    def kill(self, process: Process) -> None:
        """End a process here and now."""
        process.dead = True
        process.reap()

    def cut_off(self, process: Process) -> None:
        """Have a process stand still, or be unreachable, for so long that others take its place."""
        process.cut_off = True
        for leave in process.leave:
            leave()

    def reach(self, process: Process) -> None:
        """Have a process that was cut off be one of the others again."""
        process.cut_off = False
        for leave in process.leave:
            leave.__self__.join()

    def step(self, thread: Thread) -> bool:
        """Let a thread take one step; tell whether it had one to take."""
        if thread.dead or thread.process.dead:
            return False
        did = thread.step()
        self.steps += did
        return did

    def step_one(self, threads: list[Thread], number: int) -> bool:
        """Let one of the threads take a step, the first from ``number`` on that has one to take; tell if one had."""
        first = number % len(threads)
        return any(self.step(thread) for thread in [*threads[first:], *threads[:first]])
