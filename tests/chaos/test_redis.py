"""Redis killed, emptied, slow, full and read-only in the middle of jobs (scenarios 31-37)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.chaos.installation import Installation
from tests.chaos.parts import Part
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.waiting import until


def test_all_down_at_start(run: Run, pictures: Pictures, kafka: tuple[Part, str]) -> None:
    """Roles that are started before Redis and Kafka wait for both, and then work."""
    pixo = run.installation
    pixo.stop()
    kafka[0].stop()
    for role in pixo.roles:
        role.start()
    until(lambda: all("waiting" in role.tail(2000) for role in pixo.roles), "all wait")
    pixo.valkey.up()
    kafka[0].up()
    pixo.start()
    run.submit(pictures.kind(800, 600, filters="invert", tile_size="128"))
    run.finish()

    assert all(not role.codes or role.codes[-1] == 0 for role in pixo.roles), "nobody had to be started twice"


def test_sigkill(run: Run, pictures: Pictures) -> None:
    """Valkey is killed and started again: its log has everything, and no role had to be started anew."""
    pixo = run.installation
    pids = [role.pid for role in pixo.roles]
    job = run.submit(pictures.kind(2400, 1800, filters="median:radius=4", tile_size="128"))
    run.begun(job)
    pixo.valkey.kill()
    pixo.valkey.up()
    run.finish()

    assert [role.pid for role in pixo.roles] == pids


def test_wiped(run: Run, pictures: Pictures) -> None:
    """Everything in Redis is gone in the middle of 20 jobs: each ends right; none hangs, none vanishes."""
    pixo = run.installation
    jobs = run.submit_all(pictures.mixed() * 2)
    until(lambda: sum(not job.live for job in run.known()) >= 3, "some jobs have ended")
    assert any(job.live for job in run.known()), "wiped too late to prove anything"
    with redis.Redis.from_url(pixo.settings.redis.redis) as client:
        client.flushall()
    seconds = until(lambda: len(run.known()) == len(jobs), "all jobs are known again")
    outcomes = run.outcomes()
    run.settle(note=f"known again after {seconds:.1f} s; {dict(Counter(outcomes.values()))}")

    assert set(outcomes.values()) <= {"right", "failed"}
    assert all(run.errors[id] for id, outcome in outcomes.items() if outcome == "failed"), "each with its reason"


@contextmanager
def standing_still(pixo: Installation) -> Iterator[None]:
    """Redis answers nothing."""
    pixo.valkey.freeze()
    yield
    pixo.valkey.thaw()


@contextmanager
def full(pixo: Installation) -> Iterator[None]:
    """Redis takes no more bytes."""
    with redis.Redis.from_url(pixo.settings.redis.redis) as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@contextmanager
def read_only(pixo: Installation) -> Iterator[None]:
    """Redis is a replica, as a master is after a failover."""
    with redis.Redis.from_url(pixo.settings.redis.redis) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("no", "one")


@pytest.mark.parametrize("trouble", [standing_still, full, read_only])
def test_trouble(run: Run, pictures: Pictures, trouble: Callable[[Installation], Iterator[None]]) -> None:
    """For five seconds Redis is slow, full or read-only: work waits and goes on, the door says 503, nobody ends."""
    pixo = run.installation
    pids = [role.pid for role in pixo.roles]
    job = run.submit(pictures.kind(2400, 1800, filters="median:radius=4", tile_size="128"))
    run.begun(job)
    with trouble(pixo):
        answers = run.knock(pictures.kind(640, 480, filters="invert"), seconds=5)
    run.finish(note=f"answers meanwhile: {dict(answers)}")

    assert set(answers) <= {202, 503}
    assert [role.pid for role in pixo.roles] == pids
