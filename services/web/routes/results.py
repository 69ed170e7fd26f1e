"""The images of a job: what was uploaded, what came out."""

from pathlib import PurePosixPath

from flask import Blueprint, Response

from pixo.errors import Refusal
from pixo.imaging.plan import Plan
from pixo.state.records import Job
from pixo.store import names
from services.web import blobs, lookup
from services.web.parts import Parts

LONGEST_SUFFIX = 60


def routes(parts: Parts) -> Blueprint:
    """Give the blueprint."""
    blueprint = Blueprint("results", __name__)

    @blueprint.get("/api/v1/jobs/<id>/result")
    def read_result(id: str) -> Response:
        job = lookup.find(parts, id)
        lookup.require_images(job)
        if job.status != "done" or job.plan is None:
            raise _not_there(job)
        form = job.plan.output.format
        return blobs.respond(parts.store, job.final, form=form, name=result_name(job, job.plan), tag=job.sha256)

    @blueprint.get("/api/v1/jobs/<id>/source")
    def read_source(id: str) -> Response:
        job = lookup.find(parts, id)
        lookup.require_images(job)
        form = job.plan.source if job.plan else "jpeg"
        name = job.filename or f"{job.id}.{blobs.ENDINGS[form]}"
        return blobs.respond(parts.store, names.source(id), form=form, name=name, tag=f"source-{job.id}")

    return blueprint


def result_name(job: Job, plan: Plan) -> str:
    """Give the name that a result is saved under: ``photo-blur-grayscale.jpg``."""
    stem = PurePosixPath(job.filename).stem or job.id
    filters = [step.partition(":")[0] for step in plan.chain.split(",") if "=" not in step or ":" in step]
    suffix = "-".join(name for name in filters if name != "none")[:LONGEST_SUFFIX].strip("-")
    return f"{stem}-{suffix or 'pixo'}.{blobs.ENDINGS[plan.output.format]}"


def _not_there(job: Job) -> Refusal:
    if job.live:
        return Refusal("no-image-yet", f"The job is {job.status}: its image is not finished.", measured=job.status)
    reason = f": {job.error}" if job.error else "."
    return Refusal("wrong-state", f"The job is {job.status}{reason}", measured=job.status)
