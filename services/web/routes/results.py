"""The images of a job: what was uploaded, what came out, and both small."""

from flask import Blueprint, Response, request

from pixo.state.records import Job
from pixo.store import NoSuchBlob, names
from services.web import blobs, fields, finals, lookup
from services.web.parts import Parts
from services.web.preview import Previews
from services.web.waits import Waits

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
        return finals.respond(parts, job)

    @blueprint.get("/api/v1/jobs/<id>/source")
    def read_source(id: str) -> Response:
        job = lookup.find(parts, id)
        lookup.require_images(job)
        form = job.plan.source if job.plan else "jpeg"
        name = job.filename or f"{job.id}.{blobs.ENDINGS[form]}"
        return blobs.respond(parts.store, names.source(id), form=form, name=name, tag=_source_tag(job))

    @blueprint.get("/api/v1/jobs/<id>/preview")
    def read_preview(id: str) -> Response:
        query = request.args
        size = fields.number(query, "size", SMALLEST, LARGEST) if "size" in query else USUAL
        of = fields.choice(query, "of", ("result", "source")) if "of" in query else None
        job = lookup.find(parts, id)
        lookup.require_images(job)
        of = of or ("result" if job.status == "done" else "source")
        if of == "result":
            finals.require(job)
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
