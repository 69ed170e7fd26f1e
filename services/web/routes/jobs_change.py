"""What can be done to a job: cancel, retry, delete. In the wrong state each is refused with 409."""

from flask import Blueprint, Response

from pixo.errors import Refusal
from pixo.state.records import Job
from services.web import answers, lookup
from services.web.admit import admit
from services.web.parts import Parts


def routes(parts: Parts) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("jobs_change", __name__)

    @blueprint.post("/api/v1/jobs/<id>/cancel")
    def cancel_job(id: str) -> Response:
        parts.reach.require("redis", "store")
        job = lookup.find(parts, id)
        if not job.live and job.status != "cancelled":
            raise _wrong(job, "cancelled")
        status = parts.state.jobs.cancel(id)
        if status != "cancelled":
            raise _wrong(lookup.find(parts, id), "cancelled")
        # The end is in the store before the answer: a lost Redis must not bring the job back.
        parts.dispatcher.conclude(id)
        response = answers.job(lookup.find(parts, id))
        response.call_on_close(lambda: admit(parts))
        return response

    @blueprint.post("/api/v1/jobs/<id>/retry")
    def retry_job(id: str) -> Response:
        parts.reach.require()
        job = lookup.find(parts, id)
        if job.status not in ("failed", "cancelled"):
            raise _wrong(job, "retried")
        if not parts.dispatcher.retry(id, job.r + 1):
            raise _wrong(lookup.find(parts, id), "retried")
        response = answers.job(lookup.find(parts, id), 202)
        response.call_on_close(lambda: admit(parts))
        return response

    @blueprint.delete("/api/v1/jobs/<id>")
    def delete_job(id: str) -> Response:
        parts.reach.require("redis", "store")
        lookup.find(parts, id)
        parts.dispatcher.delete(id)
        response = Response(status=204)
        response.call_on_close(lambda: admit(parts))
        return response

    return blueprint


def _wrong(job: Job, wanted: str) -> Refusal:
    return Refusal("wrong-state", f"The job is {job.status}; it cannot be {wanted}.", measured=job.status)
