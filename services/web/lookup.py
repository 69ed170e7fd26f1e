"""Finding the job that an address names."""

import re

from pixo.errors import Refusal, TryAgain
from pixo.state.records import Job
from pixo.store import names
from services.web.parts import Parts


def find(parts: Parts, job: str) -> Job:
    """Return the job; raise Refusal("no-such-job") when there is none, ("expired") when it was deleted.

    Raise TryAgain("redis") for one that Redis has lost and the store remembers: it comes back within seconds.
    """
    possible = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", job)
    found = parts.state.jobs.read(job) if possible else None
    if found is None:
        if possible and parts.store.size(names.job_record(job)) is not None:
            raise TryAgain("redis", "Redis has lost its data; the job is being restored.")
        raise Refusal("no-such-job", f"No such job: {job[:64]!r}.", measured=job[:64])
    return present(found)


def present(job: Job) -> Job:
    """Return the job; raise Refusal("expired") when it was deleted."""
    if job.status == "deleted":
        raise Refusal("expired", "The job was deleted.")
    return job


def require_images(job: Job) -> None:
    """Raise Refusal("expired") when the job's images are not kept any more."""
    if job.status == "expired":
        raise Refusal("expired", "The images of this job are no longer kept.", setting="PIXO_RESULT_TTL")
