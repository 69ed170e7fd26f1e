"""What a web process opens, and closes again in the other direction. Nothing here waits for anything to be up."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from pixo import broker, logs, startup, state, store, topics
from pixo.broker import Admin
from pixo.dispatch import Dispatcher
from pixo.errors import ConfigError
from pixo.heartbeat import Heart
from pixo.settings import Settings
from services.web.parts import Parts
from services.web.reach import Reach
from services.web.room import Room

log = logs.logger(__name__)


@contextmanager
def parts(settings: Settings, stopping: Callable[[], bool]) -> Iterator[Parts]:
    """Return the parts of this process, connected as they are used; close them all afterwards."""
    names = topics.names(settings.kafka)
    kafka = broker.open(settings.kafka, f"pixo-web-{settings.worker_id}")
    redis = state.open(settings.redis, patient=False)
    blobs = store.open(settings.store)
    admin, producer = kafka.admin(), kafka.producer()
    reach = Reach({"redis": redis.ping, "kafka": admin.ping, "store": blobs.ping})
    heart = Heart(kafka.heart(), names.heartbeats, startup.describe(settings, "web"))
    stop = Event()
    Thread(target=_prepare, args=(settings, reach, admin, heart, stop), name="prepare", daemon=True).start()
    try:
        dispatcher = Dispatcher(redis, producer, names, time.monotonic, store=blobs, admin=admin)
        room = Room(redis, dispatcher, settings.work.max_waiting)
        yield Parts(blobs, redis, dispatcher, settings, reach, room, stopping)
    finally:
        stop.set()
        heart.stop()
        producer.close()
        kafka.close()
        redis.close()


def _prepare(settings: Settings, reach: Reach, admin: Admin, heart: Heart, stop: Event) -> None:
    """Say what is waited for, make the topics as soon as Kafka answers, then beat. Requests need not wait for this."""

    def ask(part: str) -> Callable[[], None]:
        return lambda: reach.require(part)

    def ensure() -> None:
        admin.ensure(topics.specs(settings.kafka))

    try:
        if startup.reach(stop, {**{part: ask(part) for part in reach.parts}, "topics": ensure}):
            heart.start()
    except ConfigError as error:
        # The other roles end over it. What is here already can still be fetched.
        log.error("topics cannot be as the settings say", reason=error)
