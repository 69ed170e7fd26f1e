"""The protocol as a state machine: real scripts, any order of steps, crashes between any two, losses, doubles."""

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.property.protocol import actors
from tests.property.protocol.invariants import Look, all_is_over, check, nothing_is_left
from tests.property.protocol.world import World

EXAMPLES = int(os.environ.get("PIXO_MODEL_EXAMPLES", "8"))
STEPS = int(os.environ.get("PIXO_MODEL_STEPS", "20"))
WALKS = int(os.environ.get("PIXO_MODEL_WALKS", "15"))
FIRST_SEED = int(os.environ.get("PIXO_MODEL_SEED", "0"))
# A longest wait after the last fault: ten minutes' ceiling, doubled a few times, in steps of the reconciler.
ROUNDS = 900
KINDS = {
    "worker": lambda world: lambda me: [actors.worker(world, me)],
    "results": lambda world: lambda me: [actors.results(world, me), actors.reconciler(world, me)],
}
PARTS = st.integers(min_value=0, max_value=1 << 16)
ASKS = [actors.cancel, actors.retry, actors.retry, actors.delete]
WAITS = [10, 6_000, 31_000, 31_000, 700_000]
TOPICS = ["tasks", "results"]
FLAWS = ["double", "double", "double", "wipe"]
LOSSES = ["stutter", "stutter", "stutter", "fsync", "fsync", "second", "second", "all"]
SPECS = st.fixed_dictionaries(
    {
        "tiles": st.integers(1, 7),
        "small": st.booleans(),
        "window": st.integers(2, 4),
        "skip": st.sampled_from([0.0, 0.5, 1.0]),
        "deadline_s": st.sampled_from([1e9, 1e9, 1e9, 60.0]),
        "poisoned": st.sampled_from([False, False, False, True]),
    }
)


class Protocol(RuleBasedStateMachine):
    """Clients, four roles, and everything that can go wrong."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.url)
        self.ids: list[str] = []
        self.before: dict[str, Look] = {}
        for kind in ("worker", "worker", "results", "results"):
            self.start(kind)

    def start(self, kind: str) -> None:
        """Have a new process of the kind."""
        self.world.start(kind, KINDS[kind](self.world))

    def pick(self, some: list[Any], number: int) -> Any:
        """Give one of some."""
        return some[number % len(some)]

    # Clients

    @initialize(first=SPECS, second=SPECS)
    def arrive(self, first, second) -> None:
        """Have two clients send images."""
        self.post(first)
        self.post(second)

    @precondition(lambda self: len(self.ids) < 4)
    @rule(spec=SPECS)
    def post(self, spec) -> None:
        """Have a client send an image; one in four has a tile that kills its worker."""
        poisoned = spec["poisoned"]
        made = self.world.spec(**{name: value for name, value in spec.items() if name != "poisoned"})
        self.ids.append(made.id)
        if poisoned:
            self.world.poison.add((made.id, made.plan.tiles // 2))
        self.world.spawn("web", actors.post(self.world, made))

    @rule(ask=st.sampled_from(ASKS), which=PARTS)
    def ask(self, ask, which) -> None:
        """Have a client want something of a job."""
        self.world.spawn("web", ask(self.world, self.pick(self.ids, which)))

    # Progress

    @rule(picks=st.lists(PARTS, min_size=4, max_size=40))
    def steps(self, picks) -> None:
        """Actors take single steps in some order; one in eight is a late step of a dead process."""
        for number in picks:
            self.pace(number)

    @rule(seed=st.integers(0, 1 << 32), count=st.sampled_from([20, 100, 300]), calm=st.sampled_from([10, 20, 60]))
    def burst(self, seed, count, calm) -> None:
        """Anything at all, in an order that need not be written down; a fault or a request in ``calm`` steps."""
        order = random.Random(seed)
        for _ in range(count):
            if not order.randrange(25):
                self.world.stutter = 1
            if order.randrange(calm):
                self.pace(order.getrandbits(16))
            else:
                self.surprise(order)
                self.look()

    def surprise(self, order: random.Random) -> None:
        """Have one request or fault, the rarer the worse."""
        which, kind = order.getrandbits(16), order.randrange(24)
        if kind < 6:
            self.ask(order.choice(ASKS), which)
        elif kind < 9:
            self.crash(which, zombie=order.random() < 0.7)
        elif kind < 12:
            self.wait(order.choice(WAITS))
        elif kind < 14:
            self.sweep(listing=order.random() < 0.5)
        elif kind < 17:
            self.redis(order.choice(LOSSES), 1 + which % 3)
        elif kind < 20:
            self.kafka(order.choice(TOPICS), order.choice(FLAWS), which)
        elif kind < 21:
            self.lose_piece(which)
        elif kind < 22:
            self.scale(order.choice(["stop", "start"]), which)
        elif len(self.ids) < 4:
            self.submit(order)

    def submit(self, order: random.Random) -> None:
        """Have a client send some image."""
        self.post(
            {
                "tiles": order.randint(1, 7), "small": order.random() < 0.5, "window": order.randint(2, 4),
                "skip": order.choice([0.0, 0.5, 1.0]), "deadline_s": 1e9, "poisoned": order.random() < 0.15,
            }
        )  # fmt: skip

    def pace(self, number: int) -> None:
        """One step of one actor."""
        group = self.world.zombies if number % 8 == 0 and self.world.zombies else self.world.actors
        if group:
            self.world.step_one(group, number // 8)
            self.look()

    @rule(rounds=st.integers(1, 25))
    def flow(self, rounds) -> None:
        """Everyone takes some steps in turn."""
        for _ in range(rounds):
            for actor in list(self.world.actors):
                if actor in self.world.actors:
                    self.world.step(actor)
            self.look()

    @rule(rounds=st.integers(1, 12), kind=st.sampled_from(["worker", "results", "web"]))
    def favour(self, rounds, kind) -> None:
        """Let processes of one kind be faster than all others."""
        for _ in range(rounds):
            for actor in list(self.world.actors):
                if actor in self.world.actors and actor.process.startswith(kind):
                    self.world.step(actor)
                    self.look()

    @rule(listing=st.booleans())
    def sweep(self, listing) -> None:
        """Begin a sweep."""
        self.world.spawn("sweeper", actors.sweep(self.world, listing=listing))

    @rule(ms=st.sampled_from(WAITS))
    def wait(self, ms) -> None:
        """Time passes."""
        self.world.advance(ms)

    # Faults

    @rule(which=PARTS, zombie=st.booleans())
    def crash(self, which, zombie) -> None:
        """Kill a process, or cut it off while it goes on for a while; mostly another takes its place."""
        if not self.world.actors:
            return
        # Whoever came last has most to lose: a joiner, a request.
        process = (self.world.actors[-1] if which % 2 else self.pick(self.world.actors, which // 2)).process
        kind = self.world.processes.get(process)
        self.world.crash(process, zombie=zombie)
        if kind and which % 8:
            self.start(kind)

    @rule(how=st.sampled_from(["stop", "start", "start"]), which=PARTS)
    def scale(self, how, which) -> None:
        """Ask a worker to stop, or start another."""
        workers = [p for p, kind in self.world.processes.items() if kind == "worker"]
        if how == "stop" and workers:
            self.world.stop(self.pick(workers, which))
        elif how == "start" and len(workers) < 4:
            self.start("worker")

    @rule(
        name=st.sampled_from(TOPICS),
        how=st.sampled_from(FLAWS),
        which=PARTS,
    )
    def kafka(self, name, how, which) -> None:
        """Send a record again; or have the broker lose everything."""
        topic = getattr(self.world, name)
        log = self.pick(topic.logs, which)
        if how == "wipe":
            topic.wipe()
        elif log:
            log.append(self.pick(log, which // 2))

    @rule(
        how=st.sampled_from(LOSSES),
        calls=st.integers(1, 3),
    )
    def redis(self, how, calls) -> None:
        """Redis loses answers; writes to disk; comes back without its last second; comes back empty."""
        match how:
            case "stutter":
                self.world.stutter = calls
            case "fsync":
                self.world.waitaof()
            case "second":
                self.world.lose_second()
                self.before = {}
            case "all":
                self.world.lose_all()
                self.before = {}

    @rule(which=PARTS)
    def lose_piece(self, which) -> None:
        """Take a piece out of the store."""
        pieces = [key for key in self.world.store if "/tiles/" in key]
        if pieces:
            del self.world.store[self.pick(pieces, which)]

    @invariant()
    def look(self) -> None:
        """All that must hold holds."""
        self.before = check(self.world, self.ids, self.before)

    def teardown(self) -> None:
        """When faults stop and the schedule is fair, every job ends and nothing is left behind."""
        self.settle()
        self.world.advance(2 * actors.HOUR_MS)
        for _ in range(2):
            self.sweep(listing=True)
            self.settle()
        nothing_is_left(self.world)
        self.world.client.close()

    def settle(self) -> None:
        """Run everyone fairly until all is over."""
        self.world.zombies.clear()
        for number in range(ROUNDS):
            for kind in ("worker", "results"):
                while list(self.world.processes.values()).count(kind) < 2:
                    self.start(kind)
            if number % 12 == 0:
                self.sweep(listing=number == 0)
            for _ in range(10):
                for actor in list(self.world.actors):
                    if actor in self.world.actors:
                        self.world.step(actor)
            self.look()
            busy = [a for a in self.world.actors if a.process in ("web", "sweeper")]
            self.world.stutter = 0
            if number > 2 and not busy and all_is_over(self.world, self.ids):
                return
            self.world.advance(5_000)
        seen = {id: one.status for id, one in self.before.items()}
        state = self.world.state.queue
        pytest.fail(f"jobs do not end: {seen}, {self.world.ledger}, {state.active()}, {state.candidates()}")


def test_protocol(valkey_server) -> None:
    """The invariants of section 7 hold under crashes, zombies, duplicates and losses, and every job ends."""
    Protocol.url = valkey_server.removesuffix("/0") + "/9"
    run_machine(
        Protocol,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.parametrize("seed", range(WALKS))
def test_walk(valkey_server, seed) -> None:
    """The same on long random walks, which get deeper than what can be made small afterwards."""
    Protocol.url = valkey_server.removesuffix("/0") + "/9"
    walk(FIRST_SEED + seed, 400)


def walk(seed: int, count: int) -> None:
    """Take a world through many steps, then let it come to rest."""
    order = random.Random(seed)
    machine = Protocol()
    for _ in range(2):
        machine.submit(order)
    machine.burst(seed, count, order.choice([8, 15, 30, 60]))
    machine.teardown()
