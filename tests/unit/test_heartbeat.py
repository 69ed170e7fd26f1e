"""The heart: beats from the start, and a last one that says farewell."""

import itertools
import time

from pixo.broker.memory import MemoryBroker
from pixo.heartbeat import Heart
from pixo.messages import Heartbeat, decode
from pixo.topics import Topic


def beats(broker: MemoryBroker) -> list[Heartbeat]:
    """Give what was sent, decoded."""
    sent = [decode(record.value) for log in broker.logs["beats"] for record in log]
    return [beat for beat in sent if isinstance(beat, Heartbeat)]


def heart(broker: MemoryBroker, period: float) -> Heart:
    """Give a heart of a worker that has done one more tile each time it is asked."""
    broker.admin().ensure([Topic(name="beats", partitions=1)])
    tiles = itertools.count()

    def describe() -> Heartbeat:
        return Heartbeat(id="w", role="worker", version="1", host="h", started=0.0, tiles=next(tiles))

    return Heart(broker.heart(), "beats", describe, period)


def wait_for(broker: MemoryBroker, count: int) -> None:
    """Return once so many beats were sent."""
    deadline = time.monotonic() + 10
    while len(beats(broker)) < count:
        assert time.monotonic() < deadline


def test_first_beat_is_at_once() -> None:
    """A role is seen as soon as it begins, and seen to stop as soon as it does."""
    broker = MemoryBroker()
    beating = heart(broker, period=3600)

    beating.start()
    wait_for(broker, 1)
    beating.stop()
    beating.stop()

    assert [(beat.tiles, beat.stopping) for beat in beats(broker)] == [(0, False), (1, True)]


def test_beats_go_on_through_an_outage() -> None:
    """A broker that is away costs beats, not the heart."""
    broker = MemoryBroker()
    beating = heart(broker, period=0.01)
    broker.down = True
    beating.start()
    broker.down = False

    wait_for(broker, 3)
    broker.down = True
    beating.stop()

    assert not any(beat.stopping for beat in beats(broker))
