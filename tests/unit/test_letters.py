"""Dead letters keep what is known, and are replayed by one rule."""

import pytest

from pixo import letters, messages
from pixo.broker import Record
from pixo.errors import BadImage, BadRecord
from pixo.letters.replaying import verdict
from pixo.messages import TileTask
from pixo.state.records import Job
from tests.plans import striped

TASK = messages.encode(TileTask(job="j", gen=7, tile=3, lane=1, until=4, plan=striped(40)))


def letter(value=TASK, **named):
    """Give a letter as a worker puts it away and Kafka keeps it."""
    record = Record("tasks", 1, 52, value, {"traceparent": b"00-1"}, 1_000)
    said = letters.headers(record, "broken", "w-1", BadImage("broken"), **named)
    return letters.read(Record("dead-letters", 2, 9, value, said, 5_000))


def job(status="failed", gen=7):
    """Give the job that the letter names."""
    return Job(id="j", status=status, gen=gen)


def test_a_letter_keeps_what_is_known():
    """Reason, attempts, worker, origin, times, job and tile, the cause's trace, and the record itself."""
    found = letter(job="j", gen=7, tile=3, attempts=2)

    assert (found.id, found.time, found.sent) == ("2:9", 5.0, 1.0)
    assert (found.job, found.gen, found.tile, found.attempts) == ("j", 7, 3, 2)
    assert (found.origin, found.worker, found.reason) == ("tasks[1]@52", "w-1", "broken")
    assert (found.error, found.value) == ("BadImage", TASK)
    assert "BadImage: broken" in found.trace
    assert found.message().tile == 3


def test_a_letter_of_somebody_else_can_be_looked_at():
    """Headers that are missing, or no numbers, hide no letter."""
    found = letters.read(Record("dead-letters", 0, 1, None, {"tile": b"x", "reason": b"\xff"}, 0))

    assert (found.tile, found.job, found.attempts) == (None, "", 0)
    assert not found.readable
    with pytest.raises(BadRecord):
        found.message()


@pytest.mark.parametrize(
    ("status", "gen", "deed"),
    [
        ("failed", 7, "retry"),
        ("failed", 8, "none"),
        ("queued", 8, "none"),
        ("processing", 7, "none"),
        ("done", 8, "none"),
        ("cancelled", 7, "none"),
        ("expired", 7, "impossible"),
        ("deleted", 9, "impossible"),
    ],
)
def test_a_tiles_letter_is_answered_by_a_retry_of_its_job(status, gen, deed):
    """Once: a job that was retried since has letters of its own; one that is gone cannot be retried."""
    assert verdict(letter(job="j", gen=7, tile=3, attempts=2), job(status, gen)).deed == deed


def test_a_job_that_is_gone_cannot_be_retried():
    """There is nothing left to retry."""
    assert verdict(letter(job="j", gen=7, tile=3, attempts=2), None).deed == "impossible"


def test_other_records_go_back_if_they_can_be_read():
    """An older version may have refused what this one understands; what nobody understands stays a letter."""
    assert verdict(letter(), None).deed == "send"
    assert verdict(letter(b"{"), None).deed == "impossible"
