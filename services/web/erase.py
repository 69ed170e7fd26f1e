"""Removing a job for good."""

from pixo.store import names
from services.web.parts import Parts


def erase(parts: Parts, job: str) -> bool:
    """Delete a job, its images and its entries; False if there is no such job.

    The state goes first and is on disk before any bytes go, the job's record before the rest: whatever is cut off
    here, nothing can bring the job back, and a sweep finishes the work.
    """
    found = parts.state.jobs.delete(job)
    parts.store.delete(names.job_record(job))
    parts.store.delete_prefix(names.prefix(job))
    parts.state.queue.remove(job)
    parts.state.queue.release(job)
    return found
