"""The final image of a job, as a response."""

from pathlib import PurePosixPath

from flask import Response

from pixo.errors import Refusal
from pixo.imaging.plan import Plan
from pixo.state.records import Job
from services.web import blobs
from services.web.parts import Parts

LONGEST_SUFFIX = 60


def respond(parts: Parts, job: Job) -> Response:
    """Return the response with the image; raise as `require`, and NoSuchBlob when it is gone."""
    plan = require(job)
    form = plan.output.format
    return blobs.respond(parts.store, job.final, form=form, name=result_name(job, plan), tag=job.sha256)


def require(job: Job) -> Plan:
    """Return the plan of a job that is done; raise Refusal("no-image-yet") or ("wrong-state") for any other."""
    if job.live:
        raise Refusal("no-image-yet", f"The job is {job.status}: its image is not ready yet.", measured=job.status)
    if job.status != "done" or job.plan is None:
        raise Refusal("wrong-state", ending(job), measured=job.status)
    return job.plan


def ending(job: Job) -> str:
    """Return the sentence that tells how a job ended."""
    return f"The job is {job.status}{f': {job.error}' if job.error else '.'}"


def result_name(job: Job, plan: Plan) -> str:
    """Return the name that a result is saved under: ``photo-blur-grayscale.jpg``."""
    stem = PurePosixPath(job.filename).stem or job.id
    filters = [step.partition(":")[0] for step in plan.chain.split(",")]
    suffix = "-".join(name for name in filters if name != "none")[:LONGEST_SUFFIX].strip("-")
    return f"{stem}-{suffix or 'pixo'}.{blobs.ENDINGS[plan.output.format]}"
