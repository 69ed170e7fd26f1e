"""The supervisor and the recycler, with small dummies for children."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from pixo.errors import ConfigError, TryAgain
from services.standalone.children import Child, Launch
from services.standalone.recycle import Recycler
from services.standalone.supervisor import Rank, Supervisor

SERVE = "import time; print('up'); time.sleep(600)"


class Theatre:
    """Dummy children and what happened to them, in order."""

    def __init__(self):
        self.said = []
        self.ready = set()

    def child(self, name, code=SERVE):
        """Give a child that runs the code."""
        launch = Launch([sys.executable, "-S", "-u", "-c", code], dict(os.environ))
        return Child(name, lambda: launch, self.hear)

    def hear(self, name, line):
        """Note a child's line."""
        self.said.append((name, line))
        self.ready.add(name)

    async def until(self, condition):
        """Wait for the condition."""
        async with asyncio.timeout(15):
            while not condition():  # noqa: ASYNC110 - the children's pipes are what changes it
                await asyncio.sleep(0.01)


class DummyServer:
    """A server that answers once its child has said something."""

    def __init__(self, theatre):
        self.theatre = theatre

    def prepare(self):
        """Need nothing."""

    def command(self):
        """Be run by somebody else."""

    def ready(self):
        """Say whether the child named broker has said something."""
        return "broker" in self.theatre.ready


def state(child):
    """Give the letter of a process' state: T is frozen."""
    return Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def supervisor(theatre, roles, *, broker=None, missing=None, announce=lambda: None, connect=lambda: None):
    """Give a supervisor of these children, which have joined when they have said something."""
    return Supervisor(
        valkey=None,
        broker=broker,
        connect=connect,
        roles=roles,
        ranks=[*(Rank([role], 5) for role in roles), *([Rank([broker[0]], 5)] if broker else [])],
        missing=missing or (lambda: [role.name for role in roles if role.name not in theatre.ready]),
        announce=announce,
    )


def test_starts_announces_restarts_and_stops_in_order():
    """All is announced once when all have joined; a killed child comes again; a signal stops all in order."""
    theatre = Theatre()
    announced = []
    bye = f"import signal, sys; signal.signal(15, lambda *_: (print('bye'), sys.exit(0))); {SERVE}"

    async def run():
        roles = [theatre.child("web", bye), theatre.child("worker-1", bye), theatre.child("results", bye)]
        running = asyncio.create_task(
            supervisor(theatre, roles, announce=lambda: announced.append(len(theatre.ready))).run()
        )
        await theatre.until(lambda: announced)
        first = roles[1].pid
        os.kill(first, signal.SIGKILL)
        await theatre.until(lambda: theatre.said.count(("worker-1", "up")) == 2)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        return [role.running for role in roles]

    assert asyncio.run(run()) == [False, False, False]
    assert announced == [3]
    assert [name for name, line in theatre.said if line == "bye"] == ["web", "worker-1", "results"]


def test_a_role_that_cannot_start_ends_all():
    """A role that ends again and again before all have joined is an error, and nothing is left running."""
    theatre = Theatre()

    async def run():
        good = theatre.child("web")
        bad = theatre.child("worker-1", "raise SystemExit('no such setting')")
        upper = supervisor(theatre, [good, bad], missing=lambda: ["worker-1"])
        with pytest.raises(ConfigError, match=r"worker-1 does not start .*no such setting"):
            await upper.run()
        return good.running

    assert asyncio.run(run()) is False


def test_waits_for_a_kafka_of_somebody_else():
    """No role is started before the topics are in a Kafka that is not ours."""
    theatre = Theatre()
    tries = []

    def connect():
        tries.append(len(theatre.said))
        if len(tries) < 2:
            raise TryAgain("kafka", "refused")

    async def run():
        running = asyncio.create_task(supervisor(theatre, [theatre.child("web")], connect=connect).run())
        await theatre.until(lambda: theatre.said)
        os.kill(os.getpid(), signal.SIGINT)
        await running

    asyncio.run(run())
    assert tries == [0, 0]


def test_roles_sleep_while_the_broker_starts_anew():
    """From before a new broker listens until its topics are made, every role is frozen."""
    theatre = Theatre()
    seen = []

    async def run():
        role, broker = theatre.child("web"), theatre.child("broker")

        def ensure():
            seen.append(state(role) if role.running else "not yet")

        recycler = Recycler(broker, DummyServer(theatre), [role], ensure=ensure, idle=lambda: True, bound=None)
        running = asyncio.create_task(supervisor(theatre, [role], broker=(broker, recycler)).run())
        await theatre.until(lambda: "web" in theatre.ready)
        theatre.ready.discard("broker")
        broker.kill()
        await theatre.until(lambda: len(seen) == 2)
        await recycler.whole.wait()
        after = state(role)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        return after

    assert asyncio.run(run()) in {"S", "R"}
    assert seen == ["not yet", "T"]


@pytest.mark.parametrize("code", ["", SERVE])
def test_roles_go_on_while_no_broker_will_start(code):
    """Neither a broker that ends at once nor one without its topics keeps them frozen: web says that it is away."""
    theatre = Theatre()

    def ensure():
        raise TryAgain("kafka", "no answer in time")

    async def run():
        role, broker = theatre.child("web"), theatre.child("broker", code)
        await role.start()
        await theatre.until(lambda: "web" in theatre.ready)
        recycler = Recycler(broker, DummyServer(theatre), [role], ensure=ensure, idle=lambda: True, bound=None)
        await recycler.start()
        after = state(role), broker.running, recycler.whole.is_set()
        await role.stop(5)
        return after

    letter, runs, whole = asyncio.run(run())
    assert letter in {"S", "R"}
    assert not runs
    assert not whole


@pytest.mark.parametrize(("bound", "idle"), [(4 << 20, True), (1, False)])
def test_a_grown_broker_is_started_anew(bound, idle):
    """A broker above its bound is ended when no job is there, far above it in any case."""
    theatre = Theatre()

    async def run():
        broker, recycler = await started(theatre, bound, lambda: idle)
        watching = asyncio.create_task(recycler.watch(every=0.01))
        await asyncio.wait_for(broker.ended(), 10)
        watching.cancel()
        return broker.dismissed

    assert asyncio.run(run())


def test_a_grown_broker_with_work_goes_on():
    """A broker above its bound is left alone while a job is there, and roles are thawed after the question."""
    theatre = Theatre()
    asked = []

    async def run():
        broker, recycler = await started(theatre, 4 << 20, lambda: asked.append(True))
        watching = asyncio.create_task(recycler.watch(every=0.01))
        await theatre.until(lambda: len(asked) > 1)
        watching.cancel()
        await recycler.whole.wait()
        still = broker.running
        await broker.stop(5)
        return still

    assert asyncio.run(run())


async def started(theatre, bound, idle):
    """Give a broker that runs, a few MiB large, and its recycler."""
    broker = theatre.child("broker")
    recycler = Recycler(broker, DummyServer(theatre), [], ensure=lambda: None, idle=idle, bound=bound)
    await recycler.start()
    return broker, recycler
