"""What the monitor is put together from. Opens connections; nothing here waits for anything to be up."""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass

from pixo import broker, startup, state, topics
from pixo.broker import Admin, Consumer
from pixo.heartbeat import Heart
from pixo.loop import Loop
from pixo.periodic import Periodic, Stop
from pixo.settings import Settings
from pixo.state import State
from services.monitor.growth import Growth
from services.monitor.heartbeats import Heartbeats
from services.monitor.watch import PERIOD, Watch

IN_HAND = 64
"""Heartbeats inside at most."""


@dataclass(frozen=True)
class Parts:
    """The monitor's parts, ready to be started."""

    admin: Admin
    state: State
    consumer: Consumer
    loop: Loop
    heart: Heart
    watch: Periodic


def assemble(settings: Settings, stack: ExitStack, stop: Stop) -> Parts:
    """Return the parts; the stack closes them."""
    names = topics.names(settings.kafka)
    redis = stack.enter_context(closing(state.open(settings.redis)))
    kafka = stack.enter_context(closing(broker.open(settings.kafka, f"pixo-monitor-{settings.worker_id}")))
    admin, consumer = kafka.admin(), kafka.tail(names.heartbeats)
    tasks = next(topic for topic in topics.specs(settings.kafka) if topic.name == names.tasks)
    # The embedded broker cannot add partitions; `pixo up` starts it with enough.
    most = 0 if settings.kafka.kafka_profile == "embedded" else settings.kafka.max_tasks_partitions
    growth = Growth(admin, tasks, most, time.monotonic)
    watch = Watch(state=redis, admin=admin, topics=names, growth=growth, clock=time.time)
    return Parts(
        admin=admin,
        state=redis,
        consumer=consumer,
        loop=Loop(consumer, Heartbeats(redis, time.time).hear, limit=IN_HAND, name="heartbeats"),
        heart=Heart(kafka.heart(), names.heartbeats, startup.describe(settings, "monitor")),
        watch=Periodic("watch", PERIOD, watch.round, stop),
    )
