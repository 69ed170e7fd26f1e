"""Tiles and records that break whoever takes them (scenarios 13-20)."""

import contextlib
import resource
from collections import Counter

import pytest

from pixo import broker
from tests.chaos.ledger import records
from tests.chaos.parts import Keeper, restart
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.waiting import until

TILE = 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param("raise", "failed three times", id="raise"),
        pytest.param("segfault", "three attempts, each of which its worker did not survive", id="segfault"),
        pytest.param("memory=20000", "failed three times, the last time with MemoryError", id="memory"),
    ],
)
def test_poison(run: Run, pictures: Pictures, fault: str, said: str) -> None:
    """A tile that fails, kills or fills every worker fails its job alone, by name and cause, with one dead letter.

    Once the workers are well the client's retry makes that tile, and with it the image.
    """
    pixo = run.installation
    restart(dict.fromkeys(pixo.workers, f"worker.tile:{fault}@tile={TILE}"))
    for worker in pixo.workers:
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (16 << 30, resource.RLIM_INFINITY))
    with Keeper(pixo.workers):
        sound = run.submit(pictures.kind(640, 480, filters="invert"))
        job = run.submit(pictures.kind(800, 600, filters="invert", tile_size="128"))
        assert run.outcome(sound) == "right"
        assert run.outcome(job) == "failed"
        run.settle(dead=1)
    assert f"tile {TILE}: {said}" in run.errors[job]

    pixo.start()
    run.retry(job)
    assert run.outcome(job) == "right"


def test_records_that_are_none(run: Run, pictures: Pictures) -> None:
    """What is no task and what is no report is put away, a letter each; the job beside ends well."""
    pixo = run.installation
    address, topics = pixo.settings.kafka.kafka, pixo.topics
    garbage = [b"", b"{", b"\xff" * 1000, b'{"type":"tile.task"}', b'{"type":"tile.next","job":"x"}', None]

    def letters() -> Counter[bytes | None]:
        return Counter(one.value for one in records(address, topics.dead_letters) if "job" not in one.headers)

    before = letters()
    run.submit(pictures.kind(2400, 1800, filters="invert", tile_size="200"))
    with contextlib.closing(broker.open(pixo.settings.kafka, "test")) as kafka:
        producer = kafka.producer()
        for topic in (topics.tasks, topics.results):
            producer.settle([producer.send(topic, value, partition=n % 2) for n, value in enumerate(garbage)])
    until(lambda: (letters() - before).total() >= 2 * len(garbage), "all are put away")
    run.finish()

    assert letters() - before == Counter(garbage * 2)
    assert all(part.alive for part in (*pixo.workers, *pixo.results))
