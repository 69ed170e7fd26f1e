"""What the results role is put together from. Opens connections; nothing here waits for anything to be up."""

import time
from contextlib import ExitStack, closing

from pixo import broker, startup, state, store, topics
from pixo.dispatch import Dispatcher
from pixo.heartbeat import Heart
from pixo.letters.writing import Letters
from pixo.loop import Loop
from pixo.periodic import Periodic
from pixo.role import Role
from pixo.settings import Settings
from pixo.signals import Stop
from services.results import reconciler, sweep
from services.results.handler import Handler
from services.results.joiner import Joiner
from services.results.leases import Leases
from services.results.orphans import Orphans
from services.results.reconciler import Reconciler
from services.results.sweep import Sweep

LONG_ROUND = 3600.0
"""Seconds that a look at all jobs or all blobs may take before the process counts as standing still."""
IN_HAND = 16
"""Records inside: each waits for Kafka a moment, none for another."""


def assemble(settings: Settings, stack: ExitStack, stop: Stop) -> Role:
    """Return the role; the stack closes what it is made of, in the order that loses nothing."""
    names = topics.names(settings.kafka)
    redis = stack.enter_context(closing(state.open(settings.redis)))
    blobs = store.open(settings.store)
    kafka = stack.enter_context(closing(broker.open(settings.kafka, f"pixo-results-{settings.worker_id}")))
    producer, admin = kafka.producer(), kafka.admin()
    dispatcher = Dispatcher(redis, producer, names, time.monotonic, store=blobs, admin=admin)
    leases = Leases(redis.jobs.renew_join)
    joiner = Joiner(state=redis, store=blobs, producer=producer, dispatcher=dispatcher, leases=leases)
    handler = Handler(state=redis, dispatcher=dispatcher, producer=producer, join=joiner.submit)
    letters = Letters(producer, names, f"results-{settings.worker_id}")
    consumer = kafka.consumer(names.stitchers, names.results)
    sweeping = Sweep(state=redis, store=blobs, dispatcher=dispatcher)
    orphans = Orphans(state=redis, store=blobs, restored=sweeping.round)
    healing = Reconciler(
        state=redis, admin=admin, producer=producer, dispatcher=dispatcher, topics=names, join=joiner.submit
    )
    return Role(
        name="results",
        settings=settings,
        loop=Loop(consumer, handler.handle, limit=IN_HAND, name="results", on_bad=letters.refuse),
        heart=Heart(kafka.heart(), names.heartbeats, startup.describe(settings, "results")),
        needs={
            "kafka": lambda: admin.ensure(topics.specs(settings.kafka)),
            "redis": redis.ping,
            "store": blobs.ping,
        },
        checks={"joined": lambda: consumer.ready},
        beside=(leases, joiner),
        rounds=(
            Periodic("reconciler", reconciler.PERIOD, healing.round, stop),
            # The first round after a start asks a bucket twice or thrice about every job that is kept.
            Periodic("sweep", sweep.PERIOD, sweeping.round, stop, patience=LONG_ROUND),
            Periodic("orphans", reconciler.PERIOD, orphans.round, stop, patience=LONG_ROUND),
        ),
    )
