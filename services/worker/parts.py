"""What a worker is put together from. Opens connections; nothing here waits for anything to be up."""

import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from pixo import broker, metrics, startup, state, store, topics
from pixo.heartbeat import Heart
from pixo.letters.writing import Letters
from pixo.loop import Loop
from pixo.messages import Heartbeat
from pixo.role import Role
from pixo.settings import Settings
from services.worker import warm
from services.worker.activity import Activity
from services.worker.breaker import Breaker
from services.worker.decoders import Decoders
from services.worker.handler import Handler
from services.worker.measures import Measures
from services.worker.scratch import scratch
from services.worker.sources import Sources
from services.worker.tiles import Tiles, opener
from services.worker.watchdog import Watchdog

IN_HAND = 3
"""Tiles inside a worker: one computed, one being stored, one ready."""
READERS = 16
READERS_BYTES = 80 << 20
"""Decoders that wait for their lane's next tile, at most, and what they hold: those of three jobs of 236 MP."""
COPIES_BYTES = 4 << 30
"""Uploads that a worker keeps copies of, where the store has no files."""
RESTING = 5.0
"""Seconds after which a decoder that nobody used is closed: a wide image's holds 38 MB, mostly libvips' own."""


@dataclass(frozen=True)
class Parts:
    """A worker, ready to be started, and what lets go of its tiles."""

    role: Role
    handler: Handler


def assemble(settings: Settings, stack: ExitStack) -> Parts:
    """Return the parts; the stack closes them, in the order that loses nothing."""
    names = topics.names(settings.kafka)
    redis = stack.enter_context(closing(state.open(settings.redis)))
    blobs = store.open(settings.store)
    kafka = stack.enter_context(closing(broker.open(settings.kafka, f"pixo-worker-{settings.worker_id}")))
    cache = stack.enter_context(scratch(Path(settings.work.cache or tempfile.gettempdir())))
    measures = Measures()
    activity = Activity(time.monotonic, metrics.worker_busy.inc)
    sources = Sources(blobs, cache, COPIES_BYTES, measures)
    decoders = stack.enter_context(
        closing(
            Decoders(
                opener(cache, measures),
                sources.path,
                count=READERS,
                spare=READERS_BYTES,
                memory=settings.limits.max_tile_bytes,
                clock=time.monotonic,
            )
        )
    )
    producer, admin = kafka.producer(), kafka.admin()
    letters, breaker = Letters(producer, names, settings.worker_id), Breaker()
    handler = Handler(
        worker=settings.worker_id,
        tiles=Tiles(decoders, sources, measures),
        state=redis,
        store=blobs,
        producer=producer,
        topics=names,
        letters=letters,
        breaker=breaker,
        activity=activity,
        measures=measures,
    )
    consumer = kafka.consumer(names.workers, names.tasks)
    loop = Loop(consumer, handler.handle, limit=IN_HAND, name="tasks", on_bad=letters.refuse)
    metrics.worker_inflight.set_function(lambda: loop.inside)
    base, cpu = startup.describe(settings, "worker"), warm.instructions()

    def describe() -> Heartbeat:
        held = sorted(consumer.assigned())
        return replace(base(), partitions=held, tiles=activity.tiles, busy=round(activity.share(), 3), cpu=cpu)

    heart = Heart(kafka.heart(), names.heartbeats, describe)
    told = frozenset[int]()

    def rest() -> None:
        nonlocal told
        decoders.rest(RESTING)
        if consumer.assigned() != told:
            told = consumer.assigned()
            heart.beat()  # whoever cuts jobs into lanes should know at once

    role = Role(
        name="worker",
        settings=settings,
        loop=loop,
        heart=heart,
        needs={
            "engine": lambda: warm.up(cache),
            "kafka": lambda: admin.ensure(topics.specs(settings.kafka)),
            "redis": redis.ping,
            "store": blobs.ping,
        },
        checks={"joined": lambda: consumer.ready, "breaker": breaker.check},
        beside=(Watchdog(activity, settings.work.tile_timeout, rest=rest),),
    )
    return Parts(role, handler)
