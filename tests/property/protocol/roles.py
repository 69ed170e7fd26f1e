"""The roles, put together from their real parts around what is simulated."""

import contextlib
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from pixo import topics
from pixo.dispatch import Dispatcher
from pixo.errors import BadImage, Refusal, TryAgain
from pixo.letters.writing import Letters
from pixo.loop import Loop
from pixo.settings import Kafka as KafkaSettings
from pixo.state.records import Spec
from pixo.store import NoSuchBlob, names
from services.results import reconciler, sweep
from services.results.handler import Handler as Counting
from services.results.joiner import Joiner
from services.results.leases import RENEW, Leases
from services.results.orphans import Orphans
from services.results.reconciler import Reconciler
from services.results.sweep import Sweep
from services.web import lookup, submit
from services.web.admit import admit
from services.web.parts import Parts
from services.web.routes import jobs_change
from services.worker.activity import Activity
from services.worker.breaker import Breaker, Tripped
from services.worker.handler import Handler as Working
from tests.property.protocol.kafka import Admin, Consumer, Producer
from tests.property.protocol.processes import Condition, Died, Hand, Pool, Process, Stop, end_here, pause

TOPICS = topics.names(KafkaSettings())
IN_HAND = {"worker": 3, "results": 16}


def _nothing(*_: object) -> None:
    pass


def piece(job: str, tile: int, token: str) -> bytes:
    """Give what a worker makes of a tile."""
    return f"{job} {tile} {token}\n".encode()


def loop(process: Process, consumer: Consumer, handle: Any, clock: Any, **rest: Any) -> Loop:
    """Give the real loop with hands that the world moves."""
    made = Loop(consumer, handle, limit=IN_HAND[process.kind], name=process.kind, clock=clock, **rest)
    made._work, made._finish = Hand(process), Hand(process)
    made._changed, made._halt = Condition(clock), Stop(clock)
    return made


def worker(world: Any, process: Process) -> None:
    """Consume tasks."""
    consumer = Consumer(world.kafka, process, TOPICS.tasks)
    producer = Producer(world.kafka, process)
    handler = Working(
        worker=process.name,
        tiles=Tiles(world),
        state=world.state,
        store=world.store,
        producer=producer,
        topics=TOPICS,
        letters=Letters(producer, TOPICS, process.name),
        activity=Activity(world.seconds),
        breaker=Breaker(),
        measures=SimpleNamespace(taken=_nothing, stored=_nothing, ended=_nothing, stage=contextlib.nullcontext),
    )
    handler._boot = process.name
    turning = loop(process, consumer, handler.handle, world.seconds)
    world.roster.watch(process, consumer)
    process.spawn(_run, turning, process, handler.let_go)


class Tiles:
    """Makes pieces, or dies of it. One process makes the same of a tile each time; what others make is told apart."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._made: dict[tuple[str, int], bytes] = {}

    def make(self, task: Any) -> bytes:
        """Give the tile's piece. Poison kills the process, raises any error, or finds the image bad."""
        if world_has_no_source(self._world, task.job):
            raise NoSuchBlob(names.source(task.job))
        poison = self._world.poison.get((task.job, task.tile))
        if poison == "kill":
            end_here()
        if poison == "error":
            raise RuntimeError("a filter's mistake")
        if poison == "bad":
            raise BadImage("bad pixels")
        tile = task.job, task.tile
        return self._made.setdefault(tile, piece(*tile, self._world.name("p")))


def world_has_no_source(world: Any, job: str) -> bool:
    """Tell whether the upload is gone; asking is a step."""
    pause()
    return world.store.see(names.source(job)) is None


def results(world: Any, process: Process) -> None:
    """Count, join, heal."""
    consumer = Consumer(world.kafka, process, TOPICS.results)
    producer, dispatcher = Producer(world.kafka, process), None
    admin = Admin(world.kafka)
    dispatcher = Dispatcher(world.state, producer, TOPICS, world.seconds, store=world.store, admin=admin)
    leases = Leases(world.state.jobs.renew_join)
    joiner = Joiner(state=world.state, store=world.store, producer=producer, dispatcher=dispatcher, leases=leases)
    joiner._pool, joiner._stop = Pool(process), process.stopping
    handler = Counting(state=world.state, dispatcher=dispatcher, producer=producer, join=joiner.submit)
    sweeping = Sweep(state=world.state, store=world.store, dispatcher=dispatcher, clock=world.seconds)
    orphaned = Orphans(state=world.state, store=world.store, restored=sweeping.round, clock=world.seconds)
    healing = Reconciler(
        state=world.state, admin=admin, producer=producer, dispatcher=dispatcher, topics=TOPICS, join=joiner.submit
    )
    process.spawn(_run, loop(process, consumer, handler.handle, world.seconds), process)
    for seconds, act in (
        (reconciler.PERIOD, healing.round),
        (sweep.PERIOD, sweeping.round),
        (reconciler.PERIOD, orphaned.round),
        (RENEW, leases.renew),
    ):
        process.spawn(_periodically, world, seconds, act)
    world.marks[process.name] = healing._marks


def _run(turning: Loop, process: Process, farewell: Any = _nothing) -> None:
    with contextlib.suppress(Tripped):  # the worker rests, which is as good as gone
        turning.run(process.stopping)
    farewell()
    raise Died  # the process ends with its loop


def _periodically(world: Any, seconds: float, act: Any) -> None:
    due = 0.0
    while True:
        pause(lambda: world.seconds() >= due)  # noqa: B023 - asked before it changes
        due = world.seconds() + seconds
        with contextlib.suppress(TryAgain):
            act()


class Web:
    """One web process; every request is a thread."""

    def __init__(self, world: Any, process: Process) -> None:
        self.process = process
        self._world = world
        producer = Producer(world.kafka, process)
        dispatcher = Dispatcher(
            world.state, producer, TOPICS, world.seconds, store=world.store, admin=Admin(world.kafka)
        )
        self._parts = Parts(
            store=world.store,
            state=world.state,
            dispatcher=dispatcher,
            settings=SimpleNamespace(web=SimpleNamespace(max_upload_bytes=1)),
            reach=SimpleNamespace(require=_nothing),
            room=SimpleNamespace(require=_nothing),
        )
        self._views: dict[str, Any] = {}
        for deferred in jobs_change.routes(self._parts).deferred_functions:
            deferred(self)

    def add_url_rule(self, rule: str, endpoint: str | None, view_func: Any, **_: object) -> None:
        """Collect the views as an app does."""
        self._views[endpoint or view_func.__name__] = view_func

    def post(self, spec: Spec, key: str | None) -> None:
        """Have a client send an image, with an Idempotency-Key or without."""
        self.process.spawn(self._post, spec, key)

    def _post(self, spec: Spec, key: str | None) -> None:
        world = self._world
        pause()
        try:
            id = submit.submit(self._parts, {"pixo.spec": spec}, {}, key)
            lookup.find(self._parts, id)
        except (Refusal, TryAgain):
            return
        world.ledger.accept(id, key)
        pause()
        admit(self._parts)

    def change(self, what: str, id: str) -> None:
        """Have a client want something of a job: cancel, retry or delete."""
        self.process.spawn(self._change, what, id)

    def _change(self, what: str, id: str) -> None:
        world = self._world
        pause()
        world.ledger.ask(what, id)
        try:
            response = self._views[f"{what}_job"](id=id)
        except (Refusal, TryAgain, NoSuchBlob):
            return
        world.ledger.answer(what, id, world.state.jobs)
        response.close()


def receive(environ: Any, write_to: Any, *_: object, **__: object) -> Any:
    """Stand in for the upload of ``services.web``: the picture of the spec."""
    spec = environ["pixo.spec"]
    with write_to() as writer:
        writer.write(b"pixels")
    return SimpleNamespace(
        size=6, digest=sha256(str(spec.plan).encode()).hexdigest(), filename="a.png", fields={}, spec=spec
    )


def specify(_: Any, job: str, received: Any) -> Spec:
    """Stand in for reading the header and planning."""
    from msgspec.structs import replace  # noqa: PLC0415

    return replace(received.spec, id=job)


def put_together(plan: Any, metadata: Any, segments: Any, write: Any) -> None:
    """Stand in for the join of pixels."""
    for segment in segments:
        write(segment)


__all__ = ["TOPICS", "Web", "piece", "put_together", "receive", "results", "specify", "worker"]
