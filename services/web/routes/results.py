"""The images of a job: what was uploaded, what came out, and both small."""

from pathlib import PurePosixPath

from flask import Blueprint, Response, request

from pixo.errors import Refusal
from pixo.imaging.plan import Plan
from pixo.state.records import Job
from pixo.store import NoSuchBlob, names
from services.web import blobs, fields, lookup
from services.web.parts import Parts
from services.web.preview import Previews
from services.web.waits import Waits

LONGEST_SUFFIX = 60
SMALLEST, USUAL, LARGEST = 16, 512, 2048
"""Pixels of a preview's side."""


def routes(parts: Parts, places: Waits) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("results", __name__)
    previews = Previews(parts.settings.store)

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
        return blobs.respond(parts.store, names.source(id), form=form, name=name, tag=_source_tag(job))

    @blueprint.get("/api/v1/jobs/<id>/preview")
    def read_preview(id: str) -> Response:
        query = fields.once(request.args)
        size = fields.number(query, "size", SMALLEST, LARGEST) if "size" in query else USUAL
        of = fields.choice(query, "of", ("result", "source")) if "of" in query else None
        job = lookup.find(parts, id)
        lookup.require_images(job)
        of = of or ("result" if job.status == "done" else "source")
        if of == "result" and job.status != "done":
            raise _not_there(job)
        key, tag = (job.final, job.sha256) if of == "result" else (names.source(id), _source_tag(job))
        tag = f"{tag}-{size}"
        headers = blobs.validators(tag)
        if same := blobs.unchanged(tag, headers):
            return same
        if parts.store.size(key) is None:
            raise NoSuchBlob(key)
        leave = places.preview()
        try:
            made = previews.make(key, size)
        finally:
            leave()
        return Response(made, headers=headers, content_type=blobs.MEDIA_TYPES["jpeg"])

    return blueprint


def _source_tag(job: Job) -> str:
    return f"source-{job.id}"


def result_name(job: Job, plan: Plan) -> str:
    """Return the name that a result is saved under: ``photo-blur-grayscale.jpg``."""
    stem = PurePosixPath(job.filename).stem or job.id
    filters = [step.partition(":")[0] for step in plan.chain.split(",")]
    suffix = "-".join(name for name in filters if name != "none")[:LONGEST_SUFFIX].strip("-")
    return f"{stem}-{suffix or 'pixo'}.{blobs.ENDINGS[plan.output.format]}"


def _not_there(job: Job) -> Refusal:
    if job.live:
        return Refusal("no-image-yet", f"The job is {job.status}: its image is not ready yet.", measured=job.status)
    reason = f": {job.error}" if job.error else "."
    return Refusal("wrong-state", f"The job is {job.status}{reason}", measured=job.status)
