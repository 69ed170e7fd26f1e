"""One broker, or three, that go away in the middle of jobs (scenarios 21-30)."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from secrets import token_hex

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from pixo import broker, topics
from pixo.broker import Admin, profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.watch import Watch
from pixo.errors import Fatal, TryAgain
from pixo.settings import Kafka
from pixo.topics import Topic
from pixo.topics.ensuring import ensure
from tests.chaos import brokers
from tests.chaos.installation import Installation
from tests.chaos.parts import PATIENCE, Keeper, Part
from tests.chaos.pictures import SLOW, Pictures
from tests.chaos.run import Run
from tests.waiting import until

AWAY = 35.0
"""Seconds that Kafka is away, at least: long enough for producers to be taken for jammed and made anew."""
SILENCE = 100.0
"""Seconds that every role bears; the watch gives up after 120, and this machine may have slept."""


def test_all_away(run: Run, pictures: Pictures, kafka: tuple[Part, str]) -> None:
    """Kafka is killed and stays away: the door says 503, and the same processes go on when it is back.

    Only one who has not seen a broker for 120 s ends, to be started anew.
    """
    pixo = run.installation
    pids = [role.pid for role in pixo.roles]
    job = run.submit(pictures.kind(2400, 1800, filters=SLOW, tile_size="128"))
    run.begun(job)
    began = time.monotonic()
    kafka[0].kill()
    with Keeper(pixo.roles):
        answers = run.knock(pictures.kind(640, 480, filters="invert"), seconds=AWAY)
        kafka[0].up()
        away = time.monotonic() - began
        run.finish(note=f"away for {away:.0f} s; answers: {dict(answers)}")

    assert set(answers) <= {202, 503}
    assert away > SILENCE or [role.pid for role in pixo.roles] == pids


@pytest.fixture(scope="module")
def three(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Part], str]]:
    """Give a cluster of three brokers, and their addresses."""
    parts, address = brokers.cluster(tmp_path_factory.mktemp("cluster"))
    for part in parts:
        part.start()
    for part in parts:
        part.up()
    yield parts, address
    for part in parts:
        part.kill()


@pytest.fixture(scope="module")
def replicated(three: tuple[list[Part], str], start: Callable[..., Installation]) -> Installation:
    """Give an installation on three brokers: three copies of everything, two before an acknowledgement."""
    return start(three[1], workers=2, environ={"PIXO_REPLICATION": "3"})


def test_one_of_three_killed(
    three: tuple[list[Part], str], replicated: Installation, begin_run: Callable[..., Run], pictures: Pictures
) -> None:
    """Each broker in turn, leader of tasks or coordinator of the group, is killed and comes back: nothing is lost."""
    parts, address = three
    run = begin_run(replicated)
    tasks = replicated.topics.tasks
    whole = brokers.in_sync(address, tasks)
    pids = [role.pid for role in replicated.roles]
    until(whole, "three copies of all")
    for part in parts:
        job = run.submit(pictures.kind(1600, 1200, filters=SLOW, tile_size="128"))
        run.begun(job)
        part.kill()
        assert run.outcome(job) == "right"
        part.up()
        until(whole, "three copies of all")
    run.finish()

    assert [role.pid for role in replicated.roles] == pids


def test_leaders_move(
    three: tuple[list[Part], str], replicated: Installation, begin_run: Callable[..., Run], pictures: Pictures
) -> None:
    """A broker is told to end, which moves its leaderships at once: work goes on without a stop."""
    parts, address = three
    run = begin_run(replicated)
    until(brokers.in_sync(address, replicated.topics.tasks), "three copies of all")
    job = run.submit(pictures.kind(1600, 1200, filters=SLOW, tile_size="128"))
    run.begun(job)
    victim = parts[brokers.leaders(address, replicated.topics.tasks)[0] - 1]
    victim.terminate()
    victim.wait()
    run.finish()
    victim.up()


def test_topic_wiped(run: Run, pictures: Pictures, kafka: tuple[Part, str]) -> None:
    """The topic of tasks is deleted and made anew in the middle of a job: what was in it is published again.

    Its leader has changed before, as everywhere that brokers are upgraded: clients then take the new topic's epoch for
    old news and read nothing more, until the watch has them started anew. What workers had in hand is committed by the
    old log's offsets, which must not stay: none of the new log's tasks would be known to be lost.
    """
    pixo = run.installation
    # So that the old log is longer than the new one.
    run.submit_all(pictures.kind(2400, 1800, filters="invert", tile_size="128") for _ in range(6))
    run.hold(run.outcomes())
    kafka[0].kill()
    kafka[0].up()
    job = run.submit(pictures.kind(2400, 1800, filters=SLOW, tile_size="128"))
    run.begun(job)
    client = AdminClient({"bootstrap.servers": pixo.settings.kafka.kafka})
    client.delete_topics([pixo.topics.tasks])[pixo.topics.tasks].result(30)
    with contextlib.closing(broker.open(pixo.settings.kafka, "test")) as opened:
        admin = opened.admin()
        ensure(admin, topics.specs(pixo.settings.kafka), PATIENCE)
        with Keeper(pixo.roles):
            run.finish()
        until(lambda: _all_committed(admin, pixo.topics), "what is committed is what there is")


def _all_committed(admin: Admin, names: topics.Topics) -> bool:
    try:
        committed, ends = admin.committed(names.workers, names.tasks), admin.ends(names.tasks)
    except TryAgain:
        return False
    return {partition: committed.get(partition, 0) for partition in ends} == ends


class Unlucky(KafkaConsumer):
    """Kafka, frozen and killed, never answers what a group has committed for what is assigned once this is armed."""

    kafka: Part | None = None

    def _assign(self, client: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        armed, self.kafka = self.kafka if places else None, None if places else self.kafka
        if armed:
            armed.freeze()
        super()._assign(client, places)
        if armed:
            client.incremental_assign([])  # as the next rebalance does
            armed.kill()


def test_held_and_not_read(kafka: tuple[Part, str]) -> None:
    """A partition that the client library holds and never reads again is noticed, and its process ends."""
    kafka[0].up()
    settings = Kafka(kafka=kafka[1])
    topic = f"{token_hex(4)}.t"
    with closing(broker.open(settings, "test")) as clients:
        clients.admin().ensure([Topic(name=topic, partitions=2)])
        clients.producer().settle([clients.producer().send(topic, b"x", partition=number) for number in range(2)])
    profile = profiles.consumer(settings, "test", topic)
    # Else the client finds that it has been thrown out meanwhile, and begins anew.
    profile |= {"session.timeout.ms": 60_000, "statistics.interval.ms": 500}
    with closing(Unlucky(profile, topic, watch=Watch(blind=5.0))) as unlucky:
        read = set()

        def polled(*consumers: KafkaConsumer) -> list[int]:
            for consumer in consumers:
                if record := consumer.poll(0.1):
                    consumer.done(record)
                    read.add(record.partition)
            return [len(consumer.assigned()) for consumer in consumers]

        until(lambda: polled(unlucky) == [2] and len(read) == 2, "it has read both", polls=True)
        with closing(KafkaConsumer(profile, topic)) as other:
            until(lambda: polled(unlucky, other) == [1, 1], "each holds one", polls=True)
            unlucky.kafka = kafka[0]
        until(lambda: polled(unlucky) == [2], "it holds both", polls=True)
        kafka[0].up()

        with pytest.raises(Fatal, match="nothing heard of"):
            until(lambda: polled(unlucky) and False, "it ends", 60.0, polls=True)
