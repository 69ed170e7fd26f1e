"""Joining a job: by one process at a time, once, and not by one after the other for ever."""

from pixo.state.records import Task
from tests.contracts.state_jobs import finish, spec, to_done, to_stitching


def test_one_joiner_at_a_time(jobs, clock):
    """A lease keeps others out while it is renewed; after it another may join, and the first is refused."""
    jobs.create(spec(tiles=2))
    gen = jobs.start("a", [(0, 0, 2)]).gen
    assert jobs.start_join("a", "x") is None
    finish(jobs, [Task(gen, 0, 0, 2), Task(gen, 1, 0, 2)])
    joining = jobs.start_join("a", "x")
    assert [record.token for record in joining.records] == ["t", "t"]
    assert jobs.start_join("a", "y") is None
    clock.at(20)
    assert jobs.renew_join("a", gen, "x")
    clock.at(45)
    assert jobs.start_join("a", "y") is None
    clock.at(51)
    assert jobs.start_join("a", "y") == "alone"
    assert jobs.start_join("a", "y", alone=True).gen == gen
    assert not jobs.renew_join("a", gen, "x")
    assert not jobs.finish_join("a", gen, "x", "final-x", "sha", 1)
    assert jobs.finish_join("a", gen, "y", "final-y", "sha", 1)
    assert jobs.read("a").final == "final-y"


def test_a_job_that_ends_its_joiners_fails(jobs, clock):
    """A lease that runs out is a death: from the first on the job is joined alone, at the fifth it fails."""
    to_stitching(jobs)
    assert jobs.start_join("a", "0") != "alone"
    for death in range(1, 5):
        clock.at(31 * death)
        assert jobs.start_join("a", str(death)) == "alone"
        assert jobs.start_join("a", str(death), alone=True) == jobs.start_join("a", str(death), alone=True)
    clock.at(31 * 5)
    assert jobs.start_join("a", "5") is None
    job = jobs.read("a")
    assert (job.status, job.error) == ("failed", "the tiles could not be joined: 5 processes died trying")
    assert jobs.retry("a", 1)
    assert jobs.start("a", []).status == "join"
    assert jobs.start_join("a", "6") != "alone"


def test_leaving_is_no_death(jobs):
    """A joiner that lives gives its lease up, at once and as often as it likes; nobody else can."""
    gen = to_stitching(jobs)
    for number in range(10):
        assert jobs.start_join("a", str(number)).gen == gen
        jobs.leave_join("a", "of another")
        assert jobs.start_join("a", "another") is None
        jobs.leave_join("a", str(number))
        jobs.leave_join("a", str(number))
    assert not jobs.finish_join("a", gen, "9", "final", "sha", 1)


def test_a_joiner_whose_answer_was_lost_is_told_again(jobs):
    """finish_join says yes again to the one whose final counts, or it would delete it, and no to all others."""
    gen = to_done(jobs)
    assert jobs.finish_join("a", gen, "f", "final-f", "sha", 99)
    assert not jobs.finish_join("a", gen, "g", "final-g", "sha", 99)
    assert not jobs.finish_join("a", gen + 1, "f", "final-f", "sha", 99)


def test_lost_pieces_are_made_again(jobs):
    """Reopen hands the tiles out once more and ends the lease; the fourth time the job fails."""
    jobs.create(spec(tiles=3))
    outcome = finish(jobs, jobs.start("a", [(0, 0, 2), (1, 2, 3)]).tasks)
    for _ in range(3):
        assert outcome == "join"
        gen = jobs.start_join("a", "x").gen
        assert jobs.reopen("a", gen, "y", [1]).status == "stale"
        handout = jobs.reopen("a", gen, "x", [1, 2])
        assert [task.tile for task in handout.tasks] == [1, 2]
        assert not jobs.finish_join("a", gen, "x", "final-x", "sha", 1)
        outcome = finish(jobs, handout.tasks)
    jobs.start_join("a", "x")
    assert jobs.reopen("a", gen, "x", [0]).status == "failed"
    assert "lost from the store" in jobs.read("a").error
