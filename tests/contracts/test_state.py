"""The state's promises about jobs, on a real Valkey. What holds under faults is shown in tests/property."""

import threading

import pytest
from msgspec.structs import replace

from pixo.state import keys
from pixo.state.records import End, Task
from tests.contracts.state_jobs import BEGAN, OTHER, done, finish, spec, to_done


def test_a_job_is_read_as_it_was_made(jobs, clock):
    """All that the API tells about a job is in one read."""
    assert jobs.create(spec())
    job = jobs.read("a")
    assert (job.status, job.filename, job.bytes, job.filters) == ("queued", "Büro 1.jpg", 3, "grayscale")
    assert (job.created, job.started, job.finished, job.error, job.done, job.total) == (1.7e9, None, None, "", 0, 10)
    assert job.plan == spec().plan
    assert (job.live, job.end, job.expires, job.gen) == (True, None, None, BEGAN)
    assert jobs.read_many(["nobody", "a"]) == [None, job]


def test_a_job_is_made_once(jobs):
    """A second create of the same id changes nothing."""
    assert jobs.create(spec(tiles=3))
    assert not jobs.create(spec(tiles=4))
    assert jobs.read("a").total == 3


def test_a_job_that_ended_before_redis_was_lost_is_ended(jobs, clock):
    """With end.json, create brings the end back as it was, its time included."""
    gen = to_done(jobs)
    end = jobs.read("a").end
    assert end == End(r=0, status="done", finished=1.7e9, started=1.7e9, final="final-f", sha256="sha", size=99)
    clock.at(3600)
    jobs.create(spec("b", 2), end)
    job = jobs.read("b")
    assert (job.status, job.end, job.done, job.plan) == ("done", end, 2, spec(tiles=2).plan)
    assert gen == BEGAN


def test_a_windowful_of_each_lane_is_handed_out(jobs):
    """Start gives the first tiles of every lane, the end of their run and the plan; a second start gives none."""
    jobs.create(spec(tiles=40))
    handout = jobs.start("a", [(3, 0, 30), (1, 30, 40)])
    expected = [(n, 3, 30) for n in range(4)] + [(n, 1, 40) for n in range(30, 34)]
    assert [task[1:] for task in handout.tasks] == expected
    assert (handout.status, handout.left, handout.plan) == ("ok", 32, spec(tiles=40).plan)
    again = jobs.start("a", [(0, 0, 40)])
    assert (again.status, again.tasks, again.plan) == ("ok", [], None)


def test_the_window_shrinks_near_the_end(jobs):
    """Few tiles over many lanes are not all given out at once, but two a lane at least."""
    jobs.create(spec(tiles=9, window=8))
    handout = jobs.start("a", [(0, 0, 5), (1, 5, 9)])
    assert [task[1:3] for task in handout.tasks] == [(0, 0), (1, 0), (2, 0), (5, 1), (6, 1)]


def test_a_lane_is_refilled_when_half_its_window_is_done(jobs):
    """Finished tiles bring the lane's next ones, several at a time."""
    jobs.create(spec(tiles=100, window=8))
    tasks = jobs.start("a", [(0, 0, 100)]).tasks
    given = [[task.tile for task in jobs.complete(done(task)).tasks] for task in tasks[:5]]
    assert given == [[], [], [], [8, 9, 10, 11], []]


@pytest.mark.parametrize(
    ("skip", "first"), [(0.0, 12), (0.5, 16), (0.9, None), (1.0, None)], ids=["free", "half", "dear", "vain"]
)
def test_a_dry_lane_takes_over_what_it_can_reach_in_time(jobs, skip, first):
    """A new lane takes the tail of the longest run from where both end together, nothing where skipping costs more."""
    jobs.create(spec(tiles=20, window=4, skip=skip))
    jobs.start("a", [(0, 0, 20)])
    handout = jobs.take("a", 1)
    assert [task.tile for task in handout.tasks[:1]] == ([] if first is None else [first])
    assert all(task.lane == 1 and task.until == 20 for task in handout.tasks)


def test_a_tile_counts_once(jobs):
    """The second report of a tile is a duplicate, and the first one's piece stays recorded."""
    jobs.create(spec(tiles=3))
    task = jobs.start("a", [(0, 0, 3)]).tasks[0]
    assert jobs.begin("a", task.gen, 0, "t") == "go"
    assert jobs.complete(done(task, worker="w|1")).status == "ok"
    assert jobs.complete(done(task, token=OTHER)).status == "dup"
    record = jobs.tiles("a")[0]
    assert (record.state, record.token, record.size, record.crc) == ("done", "t", 7, 9)
    assert (record.worker, record.ms, record.attempts) == ("w|1", 5, 1)
    assert [one.state for one in jobs.tiles("a")] == ["done", "active", "active"]
    assert [jobs.tile("a", n) for n in range(3)] == jobs.tiles("a")
    assert jobs.read("a").done == 1


def test_the_last_tile_asks_for_a_joiner(jobs):
    """When all tiles are there, every further report says join, until somebody has joined."""
    jobs.create(spec(tiles=2))
    first, second = jobs.start("a", [(0, 0, 2)]).tasks
    assert jobs.complete(done(second)).status == "ok"
    assert jobs.complete(done(first)).status == "join"
    assert jobs.complete(done(first)).status == "join"
    assert jobs.read("a").status == "stitching"


def test_a_lone_tile_ends_its_job(jobs):
    """The only tile's piece is the final: the job is done with it, told again to whom reported it, to others ended."""
    jobs.create(spec(tiles=1))
    (task,) = jobs.start("a", [(0, 0, 1)]).tasks
    report = replace(done(task), sha256="abc")
    assert jobs.complete(report, "piece").status == "done"
    assert jobs.complete(report, "piece").status == "done"
    assert jobs.complete(replace(done(task, token=OTHER), sha256="def"), "late").status == "ended"
    job = jobs.read("a")
    assert (job.status, job.final, job.sha256, job.size, job.done) == ("done", "piece", "abc", 7, 1)
    assert [event.kind for event in jobs.events("a", "0")][-2:] == ["tile", "done"]


def test_a_lone_tile_of_a_lost_start_is_joined(jobs):
    """Where Redis lost that the job had begun, the piece counts, and starting finds nothing left but to join."""
    jobs.create(spec(tiles=1))
    task = Task(jobs.read("a").gen, 0, 0, 1)
    assert jobs.complete(replace(done(task), sha256="abc"), "piece").status == "ok"
    assert jobs.start("a", [(0, 0, 1)]).status == "join"


def test_three_open_attempts_are_enough(jobs):
    """A second is told so, a fourth that the tile is dead; the same token is the same attempt, a returned one none."""
    jobs.create(spec(tiles=2))
    gen = jobs.start("a", [(0, 0, 2)]).gen
    assert [jobs.begin("a", gen, 0, token) for token in "aabbc"] == ["go", "go", "again", "again", "again"]
    assert jobs.begin("a", gen, 0, "d") == "dead"
    jobs.give_back("a", gen, 0, "b")
    assert jobs.begin("a", gen, 0, "d") == "again"
    assert jobs.tiles("a")[0].attempts == 4


def test_begin_skips_what_is_not_to_be_done(jobs):
    """Finished tiles, other generations, ended and unknown jobs are skipped."""
    jobs.create(spec(tiles=2))
    task = jobs.start("a", [(0, 0, 2)]).tasks[0]
    jobs.complete(done(task))
    assert jobs.begin("a", task.gen, 0, "t") == "skip"
    assert jobs.begin("a", task.gen - 1, 1, "t") == "skip"
    jobs.cancel("a")
    assert jobs.begin("a", task.gen, 1, "t") == "skip"
    assert jobs.begin("nobody", task.gen, 1, "t") == "skip"


def test_a_dead_tile_fails_the_job_by_name(jobs):
    """The job says which tile and why, once and again; a finished tile cannot die."""
    jobs.create(spec(tiles=3))
    task, other = jobs.start("a", [(0, 0, 3)]).tasks
    jobs.complete(done(task))
    assert not jobs.fail_tile("a", task.gen, 0, "no")
    assert jobs.fail_tile("a", other.gen, 1, "tile 1: it is broken | really")
    assert jobs.fail_tile("a", other.gen, 1, "tile 1: it is broken | really")
    job = jobs.read("a")
    assert (job.status, job.error, job.dead, job.done) == ("failed", "tile 1: it is broken | really", 1, 1)
    assert jobs.tiles("a")[1].reason == "tile 1: it is broken | really"
    assert [jobs.tile("a", n) for n in range(len(jobs.tiles("a")))] == jobs.tiles("a")
    assert jobs.complete(done(other)).status == "ended"


def test_cancel_is_for_jobs_that_run(jobs):
    """Cancel ends any live job and tells what an ended one is."""
    jobs.create(spec(tiles=2))
    assert jobs.cancel("nobody") is None
    assert jobs.cancel("a") == "cancelled"
    assert jobs.cancel("a") == "cancelled"
    assert jobs.start("a", [(0, 0, 2)]).status == "ended"
    jobs.delete("a")
    assert jobs.cancel("a") == "deleted"


def test_retry_keeps_what_is_finished(jobs, clock, client):
    """A retried job has a new generation, keeps finished tiles and hands out only the others."""
    jobs.create(spec(tiles=4))
    first, second, *_ = jobs.start("a", [(0, 0, 4)]).tasks
    jobs.complete(done(first))
    jobs.fail_tile("a", first.gen, 1, "dead")
    assert client.pttl(keys.job("a")) > 86_400_000
    assert jobs.retry("a", 1)
    assert jobs.retry("a", 1)
    assert not jobs.retry("a", 2)
    job = jobs.read("a")
    assert (job.status, job.r, job.done, job.dead, job.error) == ("queued", 1, 1, None, "")
    assert job.gen > first.gen
    assert client.pttl(keys.job("a")) == client.pttl(keys.part("a", "tiles")) == -1
    assert jobs.complete(done(second)).status == "stale"
    assert not jobs.fail_tile("a", first.gen, 1, "late")
    handout = jobs.start("a", [(0, 0, 4)])
    assert [task.tile for task in handout.tasks] == [1, 2]
    assert finish(jobs, handout.tasks) == "join"


def test_a_generation_is_never_used_twice(jobs, clock, client):
    """Not even when Redis has forgotten the last one: time has passed."""
    jobs.create(spec())
    jobs.cancel("a")
    saved = client.dump(keys.job("a"))
    clock.at(1)
    jobs.retry("a", 1)
    lost = jobs.read("a").gen
    client.restore(keys.job("a"), 0, saved, replace=True)
    clock.at(2)
    jobs.retry("a", 1)
    assert jobs.read("a").gen > lost


def test_a_deleted_job_stays_deleted(jobs, client):
    """Only a tombstone is left, and no late actor brings anything back."""
    jobs.create(spec(tiles=3))
    task = jobs.start("a", [(0, 0, 3)]).tasks[0]
    assert not jobs.delete("nobody")
    assert jobs.delete("a")
    assert jobs.delete("a")
    jobs.begin("a", task.gen, 0, "t")
    jobs.complete(done(task))
    jobs.fail("a", task.gen, "late")
    jobs.retry("a", 1)
    assert not jobs.create(spec(tiles=3))
    assert jobs.read("a").status == "deleted"
    assert set(client.keys("pixo:job:*")) == {keys.job("a").encode(), keys.part("a", "events").encode()}
    assert client.ttl(keys.job("a")) > 90_000


def test_late_actors_do_not_make_keys(jobs, client):
    """A job that Redis does not know stays unknown, whatever is reported about it."""
    task = Task(5, 0, 0, 1)
    assert jobs.complete(done(task)).status == "gone"
    assert jobs.begin("a", 5, 0, "t") == "skip"
    jobs.give_back("a", 5, 0, "t")
    assert not any([jobs.fail("a", 5, ""), jobs.fail_tile("a", 5, 0, ""), jobs.expire("a"), jobs.retry("a", 1)])
    assert not any([jobs.finish_join("a", 5, "f", "", "", 1), jobs.renew_join("a", 5, "f"), jobs.start_join("a", "f")])
    assert {jobs.start("a", [(0, 0, 1)]).status, jobs.take("a", 0).status} == {"gone"}
    assert {jobs.recheck("a", None, {}, 0).status, jobs.reopen("a", 5, "f", [0]).status} == {"gone"}
    assert not client.keys("pixo:job:*")


def test_an_expired_job_can_still_be_told(jobs):
    """Expiry drops tiles and keeps what the job was; only ended jobs expire."""
    to_done(jobs)
    assert jobs.expire("a")
    assert jobs.expire("a")
    job = jobs.read("a")
    assert (job.status, job.filename, job.done, job.end) == ("expired", "Büro 1.jpg", 2, None)
    jobs.create(spec("b"))
    assert not jobs.expire("b")


def test_the_load_of_lanes(jobs):
    """Tiles given out and unfinished are counted by lane over all jobs."""
    for id in "ab":
        jobs.create(spec(id, 8, window=2))
        jobs.start(id, [(0, 0, 4), (5, 4, 8)])
    jobs.cancel("b")
    assert jobs.load(["a", "b", "nobody"]) == {0: 2, 5: 2}


def test_every_tile_is_somewhere(jobs, client):
    """A job at work tells how many tiles wait, are out, are done and are nowhere; a tile that is lost is told."""
    jobs.create(spec(tiles=10, window=4))
    assert jobs.tally("a") is None
    tasks = jobs.start("a", [(0, 0, 6), (1, 6, 10)]).tasks
    jobs.complete(done(tasks[0]))
    tally = jobs.tally("a")
    assert (tally.todo + tally.out, tally.done, tally.nowhere) == (9, 1, 0)
    client.hset(keys.part("a", "todo"), 0, "0-6")  # a run is a hint: what is out or done does not wait
    assert jobs.tally("a").nowhere == 0
    client.zrem(keys.part("a", "out"), tasks[1].tile)
    client.hset(keys.part("a", "todo"), 0, "6-6")
    assert jobs.tally("a").nowhere >= 1


def test_events_tell_a_job_in_order(jobs):
    """Every change is one event, and reading goes on where it stopped."""
    to_done(jobs)
    events = jobs.events("a", "0")
    assert [(event.kind, event.fields.get("status") or event.fields["tile"]) for event in events] == [
        ("status", "queued"),
        ("status", "processing"),
        ("tile", "0"),
        ("tile", "1"),
        ("status", "stitching"),
        ("done", "done"),
    ]
    assert jobs.events("a", events[2].id) == events[3:]
    assert jobs.events("a", events[-1].id, block_ms=1) == []


def test_waiting_ends_with_the_job(state, valkey_url):
    """Who waits for the end wakes up by it, and does not wait for jobs that ended or are not there."""
    jobs = state.jobs
    jobs.create(spec(tiles=2))
    assert jobs.wait_end("nobody", 60) is None
    assert jobs.wait_end("a", 0.01).status == "queued"
    found = []
    began = threading.Event()

    def wait() -> None:
        began.set()
        found.append(jobs.wait_end("a", 60))

    thread = threading.Thread(target=wait)
    thread.start()
    began.wait(10)
    finish(jobs, jobs.start("a", [(0, 0, 2)]).tasks)
    joining = jobs.start_join("a", "f")
    jobs.finish_join("a", joining.gen, "f", "final-f", "sha", 99)
    thread.join(20)
    assert found[0].status == "done"
    assert jobs.wait_end("a", 60).sha256 == "sha"


def test_a_script_that_the_server_forgot_is_sent_again(jobs, client):
    """A server that lost its scripts gets them without anybody noticing."""
    for step in (lambda: jobs.create(spec(tiles=2)), lambda: jobs.start("a", [(0, 0, 2)]), lambda: jobs.cancel("a")):
        client.script_flush()
        assert step()


def test_a_round_trip_a_step(jobs, client):
    """Begin, complete and give_back are one command each."""
    jobs.create(spec(tiles=4))
    task = jobs.start("a", [(0, 0, 4)]).tasks[0]
    steps = [
        lambda: jobs.begin("a", task.gen, 0, "t"),
        lambda: jobs.complete(done(task)),
        lambda: jobs.give_back("a", task.gen, 0, "t"),
    ]
    for step in steps:
        step()  # the script is loaded now
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    for step in steps:
        step()
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] - calls == 3
