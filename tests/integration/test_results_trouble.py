"""One job's trouble is not the others': records that nobody can read, folders nobody may write, joins that kill."""

import pytest

from pixo.errors import TryAgain
from pixo.store import names


def test_the_record_of_an_end_that_nobody_can_read_is_written_anew(results):
    """A machine that lost its power left an empty end.json: the sweep goes on, and makes it again from the state."""
    job = results.done().id
    whole = results.store.get(names.end(job))
    results.store.put(names.end(job), b"")

    results.sweep.round()

    assert results.store.get(names.end(job)) == whole


@pytest.mark.parametrize("record", [b"", b'{"id": "from another version"}'])
def test_a_job_that_nobody_can_read_is_left_alone(results, record, caplog):
    """It cannot be brought back; the others are, and nothing of it is removed."""
    lost, other = results.spec(), results.spec()
    results.store.put(names.job_record(lost.id), record)

    results.orphans.round()
    results.state.queue.add(lost.id, 1)
    results.sweep.round()

    assert results.state.jobs.read(lost.id) is None
    assert results.state.jobs.read(other.id) is not None
    assert results.store.get(names.job_record(lost.id)) == record
    assert "cannot be read" in caplog.text


def test_a_job_out_of_reach_does_not_keep_the_sweep_from_the_others(results, monkeypatch):
    """What one job's folder refuses is tried again in the next round; three in a row are the store's own trouble."""
    jobs = [results.done().id for _ in range(5)]
    refused = {jobs[1]}
    for job in jobs:
        results.store.delete(names.end(job))
    put = results.store.put

    def refuse(key, data):
        if key.split("/")[1] in refused:
            raise TryAgain("store", "permission denied")
        put(key, data)

    monkeypatch.setattr(results.store, "put", refuse)
    with pytest.raises(TryAgain):
        results.sweep.round()
    assert {job for job in jobs if results.store.size(names.end(job)) is None} == refused

    refused.clear()
    results.sweep.round()
    assert all(results.store.size(names.end(job)) is not None for job in jobs)


def test_a_round_ends_when_the_store_is_away(results, monkeypatch):
    """Nobody asks a store that is away about every job there is."""
    for _ in range(6):
        results.store.delete(names.end(results.done().id))
    asked = []

    def refuse(key, _):
        asked.append(key)
        raise TryAgain("store", "away")

    monkeypatch.setattr(results.store, "put", refuse)
    with pytest.raises(TryAgain):
        results.sweep.round()
    assert len(asked) == 3


def test_a_joiner_that_gives_up_is_no_dead_one(results, monkeypatch):
    """A store that is away for long fails no job, and whoever comes next need not wait for the lease to run out."""
    spec = results.submit()
    results.finish(spec.id)
    monkeypatch.setattr("services.results.joiner.PAUSES", ())
    write = results.joiner._write

    def away(*_):
        raise TryAgain("store", "away")

    monkeypatch.setattr(results.joiner, "_write", away)
    for _ in range(10):
        results.joiner._take(spec.id)
    assert results.status(spec.id) == "stitching"

    monkeypatch.setattr(results.joiner, "_write", write)
    results.joiner._take(spec.id)
    assert results.status(spec.id) == "done"


def test_a_job_that_cannot_be_joined_fails_at_the_third_time_and_so_again_after_a_retry(results, monkeypatch):
    """Nobody foresaw the reason; a client who tries again gets three tries like everybody."""
    spec = results.submit()
    results.finish(spec.id)

    def mistake(*_):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(results.joiner, "_write", mistake)
    for life in (0, 1):
        for _ in range(2):
            results.joiner._take(spec.id)
            assert results.status(spec.id) == "stitching"
        results.joiner._take(spec.id)
        assert results.status(spec.id) == "failed"
        assert results.dispatcher.retry(spec.id, life + 1)
        results.dispatcher.admit()
    assert not results.joiner._failures
