"""Work that outlasts what the group allows between two polls (scenario 8)."""

import threading
import time
from contextlib import closing
from secrets import token_hex

from pixo import broker
from pixo.broker import profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.loop import Loop
from pixo.settings import Kafka
from pixo.topics import Topic
from tests.chaos.parts import Part
from tests.waiting import until

INTERVAL = 6.0
"""Seconds that this group allows; its sessions are as short."""


def test_work_longer_than_the_poll_interval(kafka: tuple[Part, str]) -> None:
    """While a record is in work for longer than that, the worker stays a member; nothing is delivered twice."""
    settings = Kafka(kafka=kafka[1], topic_prefix=f"{token_hex(4)}-")
    profile = {
        **profiles.consumer(settings, "test", "g"),
        "max.poll.interval.ms": int(INTERVAL * 1000),
        "session.timeout.ms": int(INTERVAL * 1000),
    }
    taken: list[int] = []
    stop = threading.Event()

    def handle(record: broker.Record) -> None:
        taken.append(record.offset)
        if len(taken) == 1:
            time.sleep(INTERVAL * 1.5)  # the work
        if len(taken) == 3:
            stop.set()

    with closing(broker.open(settings, "test")) as opened:
        admin, producer = opened.admin(), opened.producer()
        admin.ensure([Topic(name="t", partitions=1)])
        producer.settle([producer.send("t", b"work", partition=0) for _ in range(3)])
        loop = Loop(KafkaConsumer(profile, "t"), handle, limit=1)
        thread = threading.Thread(target=loop.run, args=(stop,))
        thread.start()
        thread.join(INTERVAL * 20)
        until(lambda: admin.committed("g", "t") == {0: 3}, "all is committed")

    assert taken == [0, 1, 2]
