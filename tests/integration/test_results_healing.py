"""Results against a real Valkey and a folder: joining, and healing what crashes leave, without processes."""

import msgspec
import pytest
from msgspec.structs import replace

from pixo import messages
from pixo.broker import Record
from pixo.errors import TryAgain
from pixo.messages import Heartbeat, TileDead
from pixo.store import names
from services.results.orphans import YOUNG
from services.results.verdicts import PIECES_FOR


def test_a_job_runs_to_its_end(results):
    """Every tile is handed out once, the join is asked for once, the final is there, all indexes are empty."""
    spec = results.done()
    assert sorted(task.tile for task in results.tasks(spec.id)) == list(range(spec.plan.tiles))
    job = results.state.jobs.read(spec.id)
    assert job.status == "done"
    assert results.store.size(job.final) == job.size
    assert results.store.size(names.end(spec.id)) is not None
    assert not results.state.queue.active()


def test_a_second_join_leaves_no_trace(results):
    """Of a job that is done, and of one whose lease somebody holds."""
    spec = results.submit()
    results.finish(spec.id)
    assert results.state.jobs.start_join(spec.id, "other") is not None
    assert not results.joiner.join(spec.id, "mine")
    assert results.joiner.join(spec.id, "other")
    assert not results.joiner.join(spec.id, "late")
    assert results.store.size(names.final(spec.id, "late")) is None


def test_a_cancelled_job_gets_no_final(results):
    """Cancelled while it was being joined: the joiner removes what it wrote."""
    spec = results.submit()
    results.finish(spec.id)
    write = results.joiner._write

    def cancel_meanwhile(*args):
        written = write(*args)
        results.state.jobs.cancel(spec.id)
        return written

    results.joiner._write = cancel_meanwhile
    assert not results.joiner.join(spec.id, "tok")
    assert results.store.size(names.final(spec.id, "tok")) is None
    assert results.status(spec.id) == "cancelled"


@pytest.mark.parametrize("harm", ["missing", "cut", "changed"])
def test_harmed_pieces_are_made_again(results, harm):
    """All of them in one go; after that the job is done."""
    spec = results.submit()
    results.finish(spec.id)
    for tile in (1, 3):
        key = names.tile(spec.id, tile, "t")
        data = bytearray(results.store.get(key))
        if harm == "missing":
            results.store.delete(key)
        elif harm == "cut":
            results.store.put(key, data[:-1])
        else:
            data[-1] ^= 1
            results.store.put(key, data)
    before = len(results.tasks(spec.id))
    assert not results.joiner.join(spec.id, "tok")
    again = results.tasks(spec.id)
    assert len(again) == before + 2
    for task in again:
        if task.tile in (1, 3):
            results.hear(results.make(task, "u"))
    assert results.joiner.join(spec.id, "tok2")
    assert results.status(spec.id) == "done"


def test_a_dead_tile_ends_the_job(results):
    """Failed, with the reason; its place is free; told twice it is no different."""
    spec = results.submit()
    task = results.tasks(spec.id)[0]
    dead = TileDead(job=spec.id, gen=task.gen, tile=0, reason="cut off", worker="w")
    results.hear(dead)
    results.hear(dead)
    assert results.state.jobs.read(spec.id).error == "cut off"
    assert not results.state.queue.active()


@pytest.mark.parametrize("known", [True, False])
def test_what_the_broker_did_not_take_is_sent_again(results, known):
    """Tasks that were handed out and not acknowledged, or not even sent: the repeated step publishes them."""
    spec = results.submit()
    first = results.tasks(spec.id)
    finish = None
    for task in first:
        report = messages.encode(results.make(task))
        if not known:
            results.dispatcher._partitions._until = 0.0
        results.broker.down = True
        finish = results.handler.handle(Record(results.names.results, 0, 0, report, {}, 0)) or finish
        results.broker.down = False
        if finish:
            break
    assert len(results.tasks(spec.id)) == len(first)
    finish()
    assert len(results.tasks(spec.id)) > len(first)


def test_a_queued_job_that_nobody_started_is_started(results):
    """Web died between claiming its place and starting it."""
    spec = results.spec()
    results.state.jobs.create(spec)
    assert results.state.queue.claim(spec.id, small=True, limit=9, reserve=1)
    results.reconciler.round()
    assert results.status(spec.id) == "processing"
    assert results.tasks(spec.id)


def test_a_complete_job_that_nobody_joins_is_joined(results):
    """The joiner died: when its lease is over the reconciler asks for another."""
    spec = results.submit()
    results.finish(spec.id)
    results.wanted.clear()
    results.reconciler.round()
    assert results.wanted == [spec.id]


def test_an_ended_job_frees_its_place(results):
    """Whoever ended it died before it did that; a job without a hash holds none either."""
    spec = results.submit()
    results.state.jobs.cancel(spec.id)
    results.state.queue.activate("nobody", small=True)
    results.reconciler.round()
    assert not results.state.queue.active()
    assert results.store.size(names.end(spec.id)) is not None


def test_an_idle_worker_gets_a_lane(results):
    """A worker that came later takes part of the run of the job with most left to give out."""
    spec = results.submit()
    lane = results.tasks(spec.id)[0].lane
    free = (lane + 1) % results.dispatcher.partitions()
    for name, held in (("old", [lane]), ("new", [free])):
        beat = Heartbeat(id=name, role="worker", version="1", host="h", started=1.0, partitions=held)
        results.state.workers.beat(beat)
    results.reconciler.round()
    assert free in {task.lane for task in results.tasks(spec.id)}


def test_idle_workers_are_spread_over_jobs(results):
    """Two that came later do not both take from the one job that has most left at first."""
    specs = [results.submit(), results.submit()]
    taken = {task.lane for spec in specs for task in results.tasks(spec.id)}
    free = [lane for lane in range(results.dispatcher.partitions()) if lane not in taken][:2]
    for lane in free:
        beat = Heartbeat(id=f"new-{lane}", role="worker", version="1", host="h", started=1.0, partitions=[lane])
        results.state.workers.beat(beat)
    results.reconciler.round()
    for spec in specs:
        assert len(set(free) & {task.lane for task in results.tasks(spec.id)}) == 1


def test_jobs_come_back_after_redis_lost_its_memory(results):
    """Unfinished ones run again, from job.json; ended ones are as they were; deleted ones stay away."""
    ended, running, deleted = results.done(), results.submit(), results.submit()
    results.store.delete(names.job_record(deleted.id))
    results.orphans.round()
    results.forget()
    results.orphans.round()
    assert results.status(ended.id) == "done"
    assert results.status(running.id) in ("queued", "processing")
    assert results.status(deleted.id) == "gone"
    job = results.state.jobs.read(ended.id)
    assert results.store.size(job.final) == job.size


def test_an_end_of_an_earlier_life_does_not_count(results):
    """end.json from before the client's retry: the job runs again."""
    spec = results.submit()
    results.state.jobs.cancel(spec.id)
    results.dispatcher.ended(spec.id)
    results.store.put(names.job_record(spec.id), msgspec.json.encode(replace(spec, r=1)))
    results.forget()
    results.orphans.round()
    assert results.status(spec.id) in ("queued", "processing")


def test_an_ended_jobs_files_have_served_once(results, monkeypatch):
    """Upload and final of a job that has ended may leave the memory; saying its end again says nothing more."""
    served = []
    monkeypatch.setattr(results.store, "release", lambda *keys: served.extend(keys))
    done = results.done()
    results.dispatcher.ended(done.id)
    assert served == [names.source(done.id), names.final(done.id, "tok")]
    served.clear()
    cancelled = results.submit()
    assert not served
    results.state.jobs.cancel(cancelled.id)
    results.dispatcher.ended(cancelled.id)
    assert served == [names.source(cancelled.id)]


def test_bytes_that_nobody_owns_go(results):
    """An upload that broke off, an hour later; not before."""
    results.store.put(names.source("abandoned"), b"x")
    results.orphans.round()
    assert results.store.size(names.source("abandoned")) == 1
    results.now += YOUNG + 3600
    results.orphans.round()
    assert results.store.size(names.source("abandoned")) is None


def test_pieces_and_lost_finals_go_and_the_final_stays(results):
    """Ten minutes after the end."""
    spec = results.done()
    results.store.put(names.final(spec.id, "refused"), b"x")
    results.now += PIECES_FOR + 60
    results.sweep.round()
    kept = {blob.key for blob in results.store.list(names.prefix(spec.id))}
    assert kept == {
        names.source(spec.id),
        names.job_record(spec.id),
        names.end(spec.id),
        results.state.jobs.read(spec.id).final,
    }


def test_images_go_after_their_time(results):
    """The job is then expired, with nothing in the store, and does not come back with the store's help."""
    spec = results.done()
    results.now += spec.keep_s + 60
    results.sweep.round()
    assert results.status(spec.id) == "expired"
    assert not list(results.store.list(names.prefix(spec.id)))
    results.sweep.round()
    assert results.status(spec.id) == "expired"


def test_indexes_are_repaired(results):
    """A queued job in neither set waits again; one at work is active again; a deletion is finished."""
    queued, working, deleted = results.spec(), results.submit(), results.submit()
    results.state.queue.add(queued.id, round(queued.created * 1000))
    results.state.jobs.create(queued)
    results.state.queue.release(working.id)
    results.state.jobs.delete(deleted.id)
    results.sweep.round()
    assert set(results.state.queue.active()) == {queued.id, working.id}
    assert not results.state.queue.listed(deleted.id)
    assert not list(results.store.list(names.prefix(deleted.id)))


def test_redis_may_lose_its_memory_again_and_again(results):
    """A sweep that has brought a job back does so again, also when it was lost before the next sweep."""
    spec = results.submit()
    for _ in range(3):
        results.forget()
        results.orphans.round()
        assert results.state.jobs.read(spec.id).status in ("queued", "processing")


def test_a_comparison_that_was_broken_off_is_made_again(results, monkeypatch):
    """Whoever cannot list the store has compared nothing: the next round does it, not the next hour."""
    spec = results.submit()
    results.orphans.round()
    results.forget()

    def out_of_reach(_: str) -> None:
        raise TryAgain("store", "out of reach")

    with monkeypatch.context() as patch:
        patch.setattr(results.store, "list", out_of_reach)
        with pytest.raises(TryAgain):
            results.orphans.round()
    results.orphans.round()
    assert results.state.jobs.read(spec.id) is not None
