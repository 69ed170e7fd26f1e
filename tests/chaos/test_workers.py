"""Workers that are killed, told to end, frozen, added and taken away in the middle of jobs (scenarios 1-12)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.installation import Installation
from tests.chaos.parts import Keeper, end, restart
from tests.chaos.pictures import SLOW, Pictures
from tests.chaos.run import Run
from tests.waiting import until

SESSION = 10.0
"""Seconds after which a group gives a silent member up, in both protocols."""
HANDOVER = 4.0
"""Seconds in which work goes on elsewhere once the group knows."""
BUSY = 3.0
"""How many times as long everything may take on a machine that others use as well."""


@pytest.fixture(params=["classic", "consumer"])
def grouped(request: pytest.FixtureRequest, begin_run: Callable[[Installation], Run]) -> Iterator[Run]:
    """Give a run through an installation whose groups speak either protocol."""
    if request.param == "classic":
        yield begin_run(request.getfixturevalue("pixo"))
        return
    made: Installation = request.getfixturevalue("kip848")
    made.start()
    yield begin_run(made)
    print(made.tails())  # noqa: T201 - pytest shows it when the test fails


@pytest.fixture(scope="module")
def kip848(start: Callable[..., Installation]) -> Installation:
    """Give an installation whose groups speak the new protocol."""
    return start(workers=2, environ={"PIXO_KAFKA_GROUP_PROTOCOL": "consumer"})


def test_sigkill(grouped: Run, pictures: Pictures) -> None:
    """Killed at work, a worker's tiles are others' within the session timeout and 4 s; each counts once."""
    pixo = grouped.installation
    job = grouped.submit(pictures.kind(2400, 1800, filters=SLOW, tile_size="128"))
    grouped.begun(job)
    victim = pixo.workers[0]
    held, now = pixo.held(victim), time.time()
    victim.kill()
    outcome = grouped.outcome(job)
    gap = grouped.ledger().taken_over(held, victim.name, now)
    ledger = grouped.settle(note=f"taken over after {gap:.1f} s; promised: {SESSION + HANDOVER:g}")

    assert outcome == "right"
    assert ledger.duplicates <= 3, "no more than a worker has in hand"
    assert gap <= SESSION + HANDOVER * BUSY


def test_sigterm(grouped: Run, pictures: Pictures) -> None:
    """Told to end at work, a worker ends well, its tiles are others' within 4 s, and none is done twice."""
    pixo = grouped.installation
    job = grouped.submit(pictures.kind(2400, 1800, filters=SLOW, tile_size="128"))
    grouped.begun(job)
    victim = pixo.workers[0]
    held, now = pixo.held(victim), time.time()
    victim.terminate()
    code = victim.wait()
    ended = time.time() - now
    outcome = grouped.outcome(job)
    gap = grouped.ledger().taken_over(held, victim.name, now + ended)
    ledger = grouped.settle(note=f"ended in {ended:.1f} s, taken over after {gap:.1f} s more; promised: {HANDOVER:g}")

    assert (code, outcome, ledger.duplicates) == (0, "right", 0)
    assert ended + gap <= HANDOVER * BUSY


def test_killed_at_each_step(run: Run, pictures: Pictures, tmp_path: Path) -> None:
    """Three workers, killed before the piece is stored, before its report is acknowledged, before its offset is."""
    pixo = run.installation
    points = ("worker.before-put", "worker.before-ack", "worker.before-offset")
    faults = [f"{point}:kill@once={tmp_path / point}" for point in points]
    restart(dict(zip(pixo.workers, faults, strict=True)))
    pixo.shared(len(points))
    with Keeper(pixo.workers):
        run.submit_all(pictures.kind(1600, 1200, filters=SLOW, tile_size="128") for _ in range(2))
        until(lambda: all(worker.codes[-1:] == [-9] for worker in pixo.workers), "each has been killed")
        run.finish()


def test_all_killed(run: Run, pictures: Pictures) -> None:
    """All workers are killed at once and started again: the job goes on where it was."""
    pixo = run.installation
    job = run.submit(pictures.kind(1600, 1200, filters=SLOW, tile_size="128"))
    run.begun(job)
    for worker in pixo.workers:
        worker.kill()
    for worker in pixo.workers:
        worker.start()
    run.finish()


def test_frozen(run: Run, pictures: Pictures) -> None:
    """A worker that stands still past its session is replaced; what it does when it wakes up counts nothing twice."""
    pixo = run.installation
    job = run.submit(pictures.kind(1600, 1200, filters=SLOW, tile_size="128"))
    run.begun(job)
    zombie = pixo.workers[0]
    held = pixo.held(zombie)
    zombie.freeze()
    others = set(pixo.workers) - {zombie}
    until(lambda: set(held) <= {p for worker in others for p in pixo.held(worker)}, "others hold its partitions")
    run.outcome(job)
    zombie.thaw()
    pixo.shared(len(pixo.workers))
    ledger = run.finish(note="the report of a zombie is a duplicate")

    assert zombie.alive
    assert ledger.duplicates <= 3, "no more than a worker has in hand"


def test_scaled(run: Run, pictures: Pictures) -> None:
    """One worker, then eight, then two, then eight again, under load: nothing is lost or wrong."""
    pixo = run.installation
    more = [pixo.another("worker", f"extra-{n}") for n in range(8 - len(pixo.workers))]
    crew = [*pixo.workers, *more]
    for worker in crew[1:3]:
        worker.stop()
    try:
        kinds = pictures.mixed()
        for count in (1, 8, 2, 8):
            for worker in crew[:count]:
                worker.start()
            for worker in crew[count:]:
                if worker.alive:
                    worker.terminate()
            run.submit_all(kinds)
            until(lambda count=count: sum(worker.alive for worker in crew) == count, f"{count} workers run")
            pixo.shared(count)
        run.finish()
    finally:
        end(more)

    assert {code for worker in crew for code in worker.codes[-2:]} <= {0, -9}


def test_rolled(run: Run, pictures: Pictures) -> None:
    """Every role ends and is started anew, one after the other, under load: all exit well, nothing is done twice."""
    pixo = run.installation
    run.submit_all(pictures.mixed() * 2)
    roles = [*pixo.workers, *pixo.results, pixo.web, pixo.monitor]
    for role in roles:
        role.terminate()
        assert role.wait() == 0, role.tail()
        role.up()
    ledger = run.finish()

    assert ledger.duplicates == 0
