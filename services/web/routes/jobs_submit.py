"""``POST /api/v1/jobs``: an image comes in."""

from flask import Blueprint, Response, request

from pixo.errors import Refusal
from pixo.state.records import Job
from services.web import answers, blobs, documents, fields, finals, lookup, measures, problems, waits
from services.web.admit import admit
from services.web.drain import drain
from services.web.parts import Parts
from services.web.submit import submit


def routes(parts: Parts, places: waits.Waits) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("jobs_submit", __name__)

    @blueprint.post("/api/v1/jobs")
    def post_job() -> Response:
        try:
            query = fields.once(request.args)
            patience = waits.seconds(query.pop("wait", None))
            found = submit(parts, request.environ, query, request.headers.get("Idempotency-Key"))
        except Refusal as refusal:
            measures.refused(refusal.kind)
            raise
        if not patience:
            job = lookup.find(parts, found)
            response = _taken(job, 202)
            # The answer goes first: what is queued cannot be lost any more, and others admit it if this one cannot.
            response.call_on_close(lambda: admit(parts))
            return response
        admit(parts)
        job = places.end(found, patience) or lookup.find(parts, found)
        if job.live or not _wants_image(job):
            return _taken(job, 202 if job.live else 200)
        lookup.require_images(job)
        if job.status != "done":
            return _located(problems.answer("job-failed", 422, finals.ending(job), measured=job.status), job)
        return _located(finals.respond(parts, job), job)

    @blueprint.after_request
    def let_the_answer_be_read(response: Response) -> Response:
        if response.status_code >= 400:
            environ = request.environ
            response.call_on_close(lambda: drain(environ))
        return response

    return blueprint


def _wants_image(job: Job) -> bool:
    """Return whether the client would rather have the image than the job's document."""
    if job.plan is None:
        return False
    media_type = blobs.MEDIA_TYPES[job.plan.output.format]
    return request.accept_mimetypes.best_match(["application/json", media_type]) == media_type


def _taken(job: Job, status: int) -> Response:
    return _located(answers.job(job, status), job)


def _located(response: Response, job: Job) -> Response:
    response.headers["Location"] = documents.links(job)["self"]
    return response
