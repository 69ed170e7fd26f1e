"""The results role, killed and frozen at each step of counting and joining (scenarios 38-40)."""

from pathlib import Path
from signal import SIGKILL

from tests.chaos.parts import PATIENCE, Keeper, end, restart
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.waiting import until

JOINING = ("before-read", "while-writing", "after-final", "after-finish")
COUNTING = ("after-complete", "before-ack")


def test_killed_at_each_step(run: Run, pictures: Pictures, tmp_path: Path) -> None:
    """Killed at each step of counting a tile and of joining, it leaves one final image of exact bytes."""
    pixo = run.installation
    points = (*COUNTING, *JOINING)
    restart({pixo.results[0]: ",".join(f"results.{point}:kill@once={tmp_path / point}" for point in points)})
    with Keeper(pixo.results):
        for number in range(len(points)):
            run.submit(pictures.kind(1600, 1200 + 16 * number, filters="invert", tile_size="128"))
        run.finish(note="a lease of 30 s goes by for each joiner that is killed while it holds one")

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(points), "each has struck"


def test_a_join_that_kills(run: Run, pictures: Pictures) -> None:
    """A job that ends every process that joins it fails at the fifth, with a reason; those beside it end right."""
    pixo = run.installation
    (results,) = pixo.results
    end([results])
    jobs = run.submit_all(
        pictures.kind(1600, 1200 + 16 * number, filters="invert", tile_size="128") for number in range(4)
    )
    before = len(results.codes)
    results.faults = f"results.while-writing:kill@job={jobs[0]}"
    with Keeper([results]):
        outcomes = run.outcomes(patience=2 * PATIENCE)
        run.settle(note="a lease of 30 s goes by for each of five joiners")

    assert outcomes == {jobs[0]: "failed"} | dict.fromkeys(jobs[1:], "right"), run.errors
    assert "5 processes died trying" in run.errors[jobs[0]]
    assert results.codes[before:].count(-SIGKILL) == 5


def test_two_stitchers(run: Run, pictures: Pictures, tmp_path: Path) -> None:
    """A joiner that stands still past its lease is replaced, and what it writes when it wakes up does not count."""
    pixo = run.installation
    first, second = pixo.results[0], pixo.another("results", "results-2")
    mark = tmp_path / "stopped"
    try:
        restart(dict.fromkeys((first, second), f"results.while-writing:stop@once={mark}"))
        job = run.submit(pictures.kind(1600, 1200, filters="sepia", tile_size="128"))
        until(mark.exists, "a joiner stands still")
        run.finish(note="joined by the other once the lease of 30 s was over")
        known = pixo.state.jobs.read(job)
        for one in (first, second):
            one.thaw()
        until(
            lambda: [b.key for b in pixo.store.list(f"jobs/{job}/") if "/final-" in b.key] == [known.final],
            "the sleeper has removed what it wrote",
        )
        assert pixo.state.jobs.read(job) == known
    finally:
        second.stop()
