"""What the monitor is put together from. Opens connections; nothing here waits for anything to be up."""

import time
from contextlib import ExitStack, closing

from pixo import broker, startup, state, topics
from pixo.heartbeat import Heart
from pixo.loop import Loop
from pixo.periodic import Periodic
from pixo.role import Role
from pixo.settings import Settings
from pixo.signals import Stop
from services.monitor.growth import Growth
from services.monitor.heartbeats import Heartbeats
from services.monitor.watch import PERIOD, Watch, reached

IN_HAND = 64
"""Heartbeats inside at most."""


def assemble(settings: Settings, stack: ExitStack, stop: Stop) -> Role:
    """Return the role; the stack closes what it is made of."""
    names = topics.names(settings.kafka)
    redis = stack.enter_context(closing(state.open(settings.redis)))
    kafka = stack.enter_context(closing(broker.open(settings.kafka, f"pixo-monitor-{settings.worker_id}")))
    admin, consumer = kafka.admin(), kafka.tail(names.heartbeats)
    tasks = next(topic for topic in topics.specs(settings.kafka) if topic.name == names.tasks)
    # The embedded broker cannot add partitions; `pixo up` starts it with enough.
    most = 0 if settings.kafka.kafka_profile == "embedded" else settings.kafka.max_tasks_partitions
    growth = Growth(admin, tasks, most, time.monotonic)
    watch = Watch(state=redis, admin=admin, topics=names, growth=growth, clock=time.time)
    return Role(
        name="monitor",
        settings=settings,
        loop=Loop(consumer, Heartbeats(redis, time.time).hear, limit=IN_HAND, name="heartbeats"),
        heart=Heart(kafka.heart(), names.heartbeats, startup.describe(settings, "monitor")),
        needs={
            "kafka": reached("kafka")(lambda: admin.ensure(topics.specs(settings.kafka))),
            "redis": reached("redis")(redis.ping),
        },
        checks={"listening": lambda: consumer.ready},
        rounds=(Periodic("watch", PERIOD, watch.round, stop),),
    )
