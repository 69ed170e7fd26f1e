"""What the sweep finds to do about one listed job. Pure: what is known comes in, steps come out."""

from collections.abc import Collection
from typing import Literal

from pixo.state.records import Job

Step = Literal["restore", "erase", "enrol", "activate", "record", "trim", "expire", "empty"]
"""In words: make it again from job.json or forget it; finish deleting; let it wait; put it among the active;
write end.json; remove pieces; mark as expired and remove its bytes; remove the bytes of an expired one."""

LASTING: frozenset[Step] = frozenset({"erase", "record", "trim", "expire", "empty"})
"""What is done in the store, and so for good. The others change Redis, which may lose it and be found as before."""

PIECES_FOR = 600.0
"""Seconds that pieces are kept after the end: time for someone who looks at tiles."""


def steps(job: Job | None, now: float, *, active: bool, waiting: bool, settled: Collection[Step] = ()) -> list[Step]:
    """Return what is to be done, in order; ``settled`` are the steps known to have been done for this job."""
    if job is None:
        return ["restore"]
    found: list[Step] = []
    match job.status:
        case "deleted":
            found = ["erase"]
        case "expired":
            found = ["empty"]
        case "queued" if not active and not waiting:
            found = ["enrol"]
        case "processing" | "stitching" if not active:
            found = ["activate"]
        case "done" | "failed" | "cancelled":
            found = _ended(job, now)
    return [step for step in found if step not in settled]


def _ended(job: Job, now: float) -> list[Step]:
    if job.expires is not None and now > job.expires:
        return ["expire"]
    trim = job.status == "done" and job.finished is not None and now > job.finished + PIECES_FOR
    return ["record", "trim"] if trim else ["record"]
