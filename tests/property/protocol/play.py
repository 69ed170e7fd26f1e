"""What can happen in the world of the model: clients, progress, time, faults. A play is a list of such acts."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from pixo.state.records import Spec
from pixo.store import names
from tests.property.protocol.invariants import Look, check, nothing_is_left, unfinished
from tests.property.protocol.processes import Process
from tests.property.protocol.world import World

Act = tuple[str, int, int]
"""What happens, and two numbers that say to what and how."""
MOST_JOBS = 5
ROUNDS = 110
"""Rounds of five seconds after which a job must have ended once faults have stopped: sooner than the ceiling of ten
minutes could find what the offsets should."""
WAITS = (1, 10, 400, 2_000, 4_900, 6_000, 6_000, 31_000, 31_000, 61_000, 130_000, 700_000)
SKEWS = (-3_600_000, -120_000, -4_000, -1, 1, 4_000, 120_000, 3_600_000)
KINDS = ("worker", "results", "web")
FEW = {"worker": 2, "results": 2, "web": 1}


class Weighted(NamedTuple):
    """An act and how often it is chosen."""

    name: str
    weight: int


FAULTS = (
    Weighted("post", 6), Weighted("ask", 5), Weighted("kill", 5), Weighted("cut_off", 4), Weighted("reach", 4),
    Weighted("stop", 2), Weighted("start", 2), Weighted("wait", 10), Weighted("skew", 1), Weighted("redis", 4),
    Weighted("forget", 4), Weighted("double", 4), Weighted("remake", 3), Weighted("grow", 1), Weighted("retain", 2),
    Weighted("set_back", 2), Weighted("trouble", 6), Weighted("piece", 2), Weighted("favour", 6), Weighted("flow", 4),
)  # fmt: skip


class Broken(AssertionError):
    """Raised when something does not hold: with the acts that led there."""

    def __init__(self, acts: list[Act], cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}\nafter {acts}")
        self.acts = acts
        self.cause = cause


class Play:
    """One world from its beginning to its end. Every act is possible at any time; senseless ones do nothing."""

    def __init__(self, url: str) -> None:
        self.world = World(url)
        self.before: dict[str, Look] = {}
        self.jobs: list[str] = []
        for kind, few in FEW.items():
            for _ in range(few):
                self.world.start(kind)

    def act(self, act: Act) -> None:
        """Let it happen, and look."""
        name, which, how = act
        getattr(self, name)(which, how)
        self.look()

    def look(self) -> None:
        """All that must hold holds."""
        check(self.world, self.before)

    # Clients

    def post(self, which: int, how: int) -> None:
        """Have a client send an image; one in six has a poisoned tile, every third comes with one of two keys."""
        world = self.world
        if len(world.ledger.accepted) >= MOST_JOBS:
            return
        order = random.Random(which)
        tiles = order.choice([1, 1, 2, 3, 5, 7, 12, 20])
        spec = world.spec(
            tiles,
            small=order.random() < 0.5,
            window=order.randint(2, 4),
            skip=order.choice([0.0, 0.5, 1.0]),
            deadline_s=order.choice([1e9, 1e9, 1e9, 300.0]),
            keep_s=order.choice([86_400.0, 86_400.0, 900.0]),
        )
        key = order.choice([None, None, "first", "second"])
        if key:
            spec = self.same(key, spec)
        web = self.web(how)
        web.post(spec, key)
        self.poison = order.choice(["kill", "error", "bad"]) if order.random() < 0.17 else None
        if self.poison and not key:
            number = world._count + 1  # the next name is the job's, if nobody else takes it first
            world.poison[f"job{number}", tiles // 2] = self.poison

    def same(self, key: str, spec: Any) -> Any:
        """Give the image that was sent first with the key."""
        return self.world.keyed.setdefault(key, spec)

    def web(self, which: int) -> Any:
        """Give a web process, a new one if there is none."""
        if not self.world.running("web"):
            self.world.start("web")
        webs = [web for web in self.world.webs if not web.process.cut_off]
        return webs[which % len(webs)]

    def ask(self, which: int, how: int) -> None:
        """Have a client want something of a job that it was told of."""
        known = sorted(self.world.ledger.accepted)
        if known:
            self.web(how // 4).change(("cancel", "retry", "retry", "delete")[how % 4], known[which % len(known)])

    # Progress

    def step(self, which: int, how: int) -> None:
        """Let one thread take steps; one in eight times it is one of those that are cut off."""
        self.some(how % 6 + 1, which, cut_off=how % 8 == 7)

    def some(self, count: int, which: int, *, cut_off: bool) -> None:
        """Let a thread take some steps, looking after each; time passes when none has anything to do."""
        threads = self.world.threads(cut_off=cut_off)
        for _ in range(count if threads else 0):
            if not self.world.step_one(threads, which):
                self.world.advance(0 if cut_off else 1_000)
                return
            self.look()

    def walk(self, which: int, how: int) -> None:
        """Let threads take steps in any order."""
        order = random.Random(which)
        for _ in range(5 + how % 60):
            self.some(1, order.getrandbits(16), cut_off=order.randrange(12) == 0)

    def flow(self, which: int, how: int) -> None:
        """Let all take steps in turn."""
        for _ in range(1 + how % 25):
            for thread in self.world.threads():
                self.world.step(thread)
            self.look()

    def favour(self, which: int, how: int) -> None:
        """Let the processes of one kind, one process, or those that are cut off, be faster than the others."""
        running = self.world.running()
        chosen = (
            [p for p in running if p.kind == KINDS[which % 3]] if which % 5 else running[which % len(running) :][:1]
        )
        threads = [thread for process in chosen for thread in process.threads]
        if which % 7 == 0:
            threads = self.world.threads(cut_off=True)
        for _ in range(1 + how % 15):
            for thread in threads:
                self.world.step(thread)
                self.look()

    def wait(self, which: int, how: int) -> None:
        """Let time pass."""
        ms = WAITS[which % len(WAITS)]
        # What stands still for longer than the margin may have tasks in hand that others find lost.
        self.world.excused += ms > 4_000
        self.world.advance(ms)

    # Faults of processes

    def pick(self, which: int, kinds: tuple[str, ...] = KINDS) -> Process | None:
        """Give a running process."""
        running = [process for process in self.world.running() if process.kind in kinds and process.threads]
        if not running:
            return None
        # Whoever began something last has most to lose: a join, a request.
        return max(running, key=lambda one: one.born) if which % 2 else running[which // 2 % len(running)]

    def kill(self, which: int, how: int) -> None:
        """Kill a process; mostly another takes its place."""
        process = self.pick(which)
        if process:
            self.world.kill(process)
            if how % 8:
                self.world.start(process.kind)

    def cut_off(self, which: int, how: int) -> None:
        """Have a process stand still for so long that others take its place; it may go on later."""
        process = self.pick(which)
        if process and sum(one.cut_off for one in self.world.processes) < 3:
            self.world.excused += 1
            self.world.cut_off(process)
            if how % 4:
                self.world.start(process.kind)
            if how % 3 == 0:
                self.world.advance(31_000)  # its lease is over

    def reach(self, which: int, how: int) -> None:
        """Have a process that was cut off be back, or end."""
        found = [process for process in self.world.processes if process.cut_off and not process.dead]
        if found:
            process = found[which % len(found)]
            self.world.kill(process) if how % 3 == 0 else self.world.reach(process)

    def stop(self, which: int, how: int) -> None:
        """Ask a process to stop, as SIGTERM does."""
        process = self.pick(which, ("worker", "results"))
        if process:
            process.stopping.set()
            if how % 3:
                self.world.start(process.kind)

    def start(self, which: int, how: int) -> None:
        """Start another worker or results process."""
        kind = KINDS[which % 2]
        if len(self.world.running(kind)) < 4:
            self.world.start(kind)

    # Faults of the servers

    def skew(self, which: int, how: int) -> None:
        """Set the server's clock."""
        self.world.excused += 1
        self.world.advance(1, SKEWS[which % len(SKEWS)])

    def redis(self, which: int, how: int) -> None:
        """Have Redis write to its disk."""
        self.world.server.fsync()

    def forget(self, which: int, how: int) -> None:
        """Bring Redis back without its last second, one in five times without anything."""
        self.world.excused += 1
        (self.world.lose_all if which % 5 == 0 else self.world.lose_second)()
        self.before.clear()

    def trouble(self, which: int, how: int) -> None:
        """Have requests go wrong, or scripts run twice."""
        part = ("redis", "redis", "twice", "twice", "kafka", "store")[which % 6]
        self.world.excused += 1
        for _ in range(1 + how // 2 % 3):
            self.world.cause(part, ("lost", "mute")[how % 2])

    def double(self, which: int, how: int) -> None:
        """Have a record be there again."""
        logs = self.world.kafka.topics[("tasks", "results")[how % 2]]
        log = logs[which % len(logs)]
        if log.records:
            log.records.append(log.records[which % len(log.records)])

    def remake(self, which: int, how: int) -> None:
        """Have a topic or all of Kafka made anew, with as many partitions as before, or others."""
        kafka = self.world.kafka
        self.world.excused += 1
        anew, both = how % 3 > 0, how % 2 == 0
        for name in ("tasks", "results") if both else (("tasks", "results")[which % 2],):
            width = len(kafka.topics[name]) if which % 4 else 2 + which // 4 % 4
            kafka.remake(name, width, keep_offsets=how % 5 == 0, anew=anew)

    def grow(self, which: int, how: int) -> None:
        """Have a topic grow."""
        self.world.excused += 1
        name = ("tasks", "tasks", "results")[which % 3]
        self.world.kafka.grow(name, min(5, len(self.world.kafka.topics[name]) + 1 + how % 2))

    def retain(self, which: int, how: int) -> None:
        """Have retention take the oldest records of a log, read or not."""
        self.world.excused += 1
        logs = self.world.kafka.topics[("tasks", "results")[how % 2]]
        logs[which % len(logs)].drop(1 + how // 2 % 6)

    def set_back(self, which: int, how: int) -> None:
        """Have a group's offset be an older one, or none."""
        self.world.excused += 1
        name = ("tasks", "results")[how % 2]
        p = which % len(self.world.kafka.topics[name])
        now = self.world.kafka.groups[name].committed.get(p)
        self.world.kafka.set_back(name, p, max(0, now - how // 2 % 4) if now is not None and how % 3 else None)

    def piece(self, which: int, how: int) -> None:
        """Have a piece be lost, or broken; not one that is a final, which nobody makes again, joined or not."""
        kept = self.world.store.kept
        pieces = [key for key in kept if "/tiles/" in key and not self._lone(key.split("/")[1])]
        if pieces:
            key = pieces[which % len(pieces)]
            if how % 2:
                del kept[key]
            else:
                kept[key] = (kept[key][0][:-1] + b"?", kept[key][1])

    def _lone(self, id: str) -> bool:
        record = self.world.store.kept.get(names.job_record(id))
        return record is not None and msgspec.json.decode(record[0], type=Spec).plan.lone

    # The end

    def rest(self) -> None:
        """When faults stop and the schedule is fair, every job ends soon, and nothing is left behind."""
        world = self.world
        world.calm()
        for process in world.processes:
            if process.cut_off and not process.dead:
                world.kill(process)
        self.settle()
        world.stats.update(f"{one.status} at rest" for one in self.before.values())
        world.excused += 2
        world.advance(2 * 3_600_000)
        self.settle()
        world.advance(60_000)
        self.settle()
        nothing_is_left(world)

    def settle(self) -> None:
        """Run all fairly until every job has ended."""
        world = self.world
        for number in range(ROUNDS):
            for kind, few in FEW.items():
                while len(world.running(kind)) < few:
                    world.start(kind)
            while sum(world.step(thread) for thread in world.threads()):
                self.look()
            if number > 0 and not unfinished(world):
                return
            world.advance(5_000)
        raise AssertionError(f"jobs do not end: {unfinished(world)}, tiles published again {world.stats}")


def perform(url: str, acts: list[Act]) -> World:
    """Play the acts, then let the world come to rest; raise Broken."""
    play = Play(url)
    done: list[Act] = []
    try:
        for act in acts:
            done.append(act)
            play.act(act)
        play.rest()
    except Exception as error:  # whatever a role raised, with the acts that led there
        raise Broken(done, error) from error
    finally:
        play.world.close()
    return play.world


def compose(seed: int, length: int) -> list[Act]:
    """Give a random play. How wild it is, and what it is about, differs from play to play."""
    order = random.Random(seed)
    calm = order.choice([2, 4, 8, 20])
    kinds = order.sample(FAULTS, order.randint(3, len(FAULTS)))
    names = [one.name for one in kinds] + ["wait"]
    weights = [one.weight for one in kinds] + [4]
    number: Callable[[], int] = lambda: order.getrandbits(16)  # noqa: E731
    acts: list[Act] = [("post", number(), number()), ("post", number(), number())]
    while len(acts) < length:
        if order.randrange(calm):
            acts.append((order.choice(["walk", "walk", "step", "step", "flow"]), number(), number()))
        else:
            acts.append((order.choices(names, weights)[0], number(), number()))
    return acts


def shrink(acts: list[Act], breaks: Callable[[list[Act]], bool], most: int = 400) -> list[Act]:
    """Leave out what is not needed to break."""
    size = max(1, len(acts) // 2)
    while size and most:
        at = 0
        while at < len(acts) and most:
            shorter = acts[:at] + acts[at + size :]
            most -= 1
            if breaks(shorter):
                acts = shorter
            else:
                at += size
        size //= 2
    return acts
