"""What the sweep and the reconciler decide."""

import pytest

from pixo.state.records import Job
from pixo.store import Blob
from services.results.orphans import survey
from services.results.reconciler import idle, quiet
from services.results.verdicts import PIECES_FOR, steps


def job(status, **known):
    """Give a job that ended at 1000 and is kept for a day."""
    return Job(id="j", status=status, gen=1, finished=1000.0, keep_s=86_400.0, **known)


@pytest.mark.parametrize(
    ("found", "where", "expected"),
    [
        (None, {}, ["restore"]),
        (job("deleted"), {}, ["erase"]),
        (job("expired"), {}, ["empty"]),
        (job("queued"), {}, ["enrol"]),
        (job("queued"), {"waiting": True}, []),
        (job("queued"), {"active": True}, []),
        (job("processing"), {}, ["activate"]),
        (job("stitching"), {"active": True}, []),
        (job("cancelled"), {}, ["record"]),
    ],
)
def test_a_listed_job_gets_what_it_lacks(found, where, expected):
    """One row for each thing that a crash leaves behind."""
    assert steps(found, 1001.0, **{"active": False, "waiting": False, **where}) == expected


def test_pieces_go_after_a_while_and_images_after_their_time():
    """Pieces of done jobs only: a retry of a failed one keeps its finished tiles."""
    later, expired = 1000.0 + PIECES_FOR + 1, 1000.0 + 86_401
    assert steps(job("done"), later, active=False, waiting=False) == ["record", "trim"]
    assert steps(job("failed"), later, active=False, waiting=False) == ["record"]
    assert steps(job("done"), expired, active=False, waiting=False) == ["expire"]


def test_what_is_settled_is_not_done_again():
    """The store is asked once for every state of a job."""
    assert steps(job("done"), 1001.0, active=False, waiting=False, settled={"record"}) == []


def test_idle_workers_are_those_without_any_tile_out():
    """One partition each; who holds none cannot help."""
    assert idle([[0, 1], [2, 3], [], [4]], {1: 2}) == [2, 4]


def test_time_without_workers_is_counted_between_rounds():
    """Not from nothing, not backwards, and not the hours that a laptop slept."""
    assert quiet(None, 5_000) == 0
    assert quiet(5_000, 10_000) == 5_000
    assert quiet(10_000, 5_000) == 0
    assert quiet(0, 10_000_000) == 60_000


def test_a_survey_sorts_blobs_by_job():
    """Whether job.json is there, and the age of the youngest blob."""
    blobs = [
        Blob(key="jobs/a/source", size=1, modified=5.0),
        Blob(key="jobs/a/job.json", size=1, modified=4.0),
        Blob(key="jobs/b/tiles/0-x", size=1, modified=9.0),
    ]
    found = survey(blobs)
    assert found["a"] == (True, 5.0)
    assert found["b"] == (False, 9.0)
