"""The state's promises to the reconciler, on a real Valkey."""

import pytest

from tests.contracts.state_jobs import done, spec


@pytest.mark.parametrize(
    ("safe", "results_safe", "lost"),
    [(6, 6, True), (6, 4, False), (4, 6, False), (0, 0, False)],
    ids=["both passed", "results lie behind", "tasks lie behind", "nothing known"],
)
def test_a_task_is_lost_when_all_before_it_was_consumed(jobs, clock, safe, results_safe, lost):
    """Only a tile given out well before everything was consumed is handed out again."""
    jobs.create(spec(tiles=2))
    tasks = jobs.start("a", [(1, 0, 2)]).tasks
    now = clock.at(7)
    at = {0: 0, 1: now - 7000 + safe * 1000}
    handout = jobs.recheck("a", tasks[0].gen, at, now - 7000 + results_safe * 1000)
    assert [task.tile for task in handout.tasks] == ([0, 1] if lost else [])
    assert jobs.recheck("a", None, at, now - 7000 + results_safe * 1000).tasks == []


def test_a_task_unfinished_for_too_long_is_handed_out_again(jobs, clock):
    """After ten minutes, then twenty, whatever the offsets say."""
    jobs.create(spec(tiles=1))
    jobs.start("a", [(0, 0, 1)])
    given = []
    for minute in range(1, 32):
        clock.at(60 * minute + minute / 10)
        if jobs.recheck("a", None, {}, 0).tasks:
            given.append(minute)
    assert given == [10, 30]  # then at 70


def test_the_deadline_waits_for_workers(jobs, clock):
    """A job past its deadline fails; time without any worker does not count."""
    jobs.create(spec(tiles=2, deadline_s=100))
    jobs.start("a", [(0, 0, 2)])
    clock.at(90)
    assert jobs.recheck("a", None, {}, 0, idle_ms=20_000).status == "ok"
    clock.at(119)
    assert jobs.recheck("a", None, {}, 0).status == "ok"
    clock.at(121)
    assert jobs.recheck("a", None, {}, 0).status == "failed"
    assert jobs.read("a").error == "the job was not finished before its deadline"


def test_recheck_tells_where_a_job_stands(jobs, clock):
    """Queued, waiting for a joiner, being joined, ended, another life: each has its word."""
    jobs.create(spec(tiles=1))
    assert jobs.recheck("a", None, {}, 0).status == "queued"
    task = jobs.start("a", [(0, 0, 1)]).tasks[0]
    assert jobs.recheck("a", task.gen + 1, {}, 0).status == "stale"
    jobs.complete(done(task))
    assert jobs.recheck("a", None, {}, 0).status == "join"
    jobs.start_join("a", "f")
    assert jobs.recheck("a", None, {}, 0).status == "stitching"
    clock.at(31)
    assert jobs.recheck("a", None, {}, 0).status == "join"
    assert jobs.fail("a", task.gen, "pixels")
    assert jobs.recheck("a", None, {}, 0).status == "ended"


@pytest.mark.parametrize("back", [30, 7200], ids=["a little", "to before the job"])
def test_a_clock_set_back_loses_no_tile(jobs, clock, back):
    """What was given out in times to come counts as given out now, and is found lost by the clock of now."""
    clock.at(60)
    jobs.create(spec(tiles=2))
    clock.at(100)
    jobs.start("a", [(0, 0, 2)])
    now = clock.at(100 - back)
    assert jobs.recheck("a", None, {0: now}, now).tasks == []
    now = clock.at(106 - back)
    assert [task.tile for task in jobs.recheck("a", None, {0: now}, now).tasks] == [0, 1]


def test_a_clock_set_back_ends_leases(jobs, clock):
    """A lease that ends later than any can does not keep joiners away for as long as the clock was set back."""
    jobs.create(spec(tiles=1))
    jobs.complete(done(jobs.start("a", [(0, 0, 1)]).tasks[0]))
    assert jobs.start_join("a", "f") is not None
    clock.at(-3600)
    assert jobs.recheck("a", None, {}, 0).status == "join"
    assert jobs.start_join("a", "g", alone=True) is not None
    assert jobs.recheck("a", None, {}, 0).status == "stitching"
