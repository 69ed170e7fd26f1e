"""Jobs: the list, one job, waiting for its end, listening to what happens to it."""

from flask import Blueprint, Response, request

from pixo.errors import Refusal
from pixo.state.records import Job
from services.web import answers, documents, events, fields, lookup, waits
from services.web.parts import Parts

STATUSES = ("queued", "processing", "stitching", "done", "failed", "cancelled", "expired")
DEFAULT_LIMIT, MOST = 20, 200
LOOKED_AT = 2000
"""Jobs that one request looks at, at most, to find some of a status."""
BATCH = 100
"""Those that it reads together."""


def routes(parts: Parts, places: waits.Waits) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("jobs_read", __name__)

    @blueprint.get("/api/v1/jobs")
    def list_jobs() -> Response:
        query = request.args
        status = fields.choice(query, "status", STATUSES) if "status" in query else None
        limit = fields.number(query, "limit", 1, MOST) if "limit" in query else DEFAULT_LIMIT
        found, cursor = _page(parts, status, limit, query.get("cursor"))
        return answers.json({"jobs": [documents.job(job) for job in found], "cursor": cursor})

    @blueprint.get("/api/v1/jobs/<id>")
    def read_job(id: str) -> Response:
        patience = waits.seconds(request.args.get("wait"))
        job = lookup.find(parts, id)
        if patience and job.live:
            job = places.end(id, patience) or lookup.find(parts, id)
        return answers.job(job)

    @blueprint.get("/api/v1/jobs/<id>/events")
    def read_events(id: str) -> Response:
        job = lookup.find(parts, id)
        told = events.stream(parts, job, request.headers.get("Last-Event-ID", ""))
        if told is None:
            return Response(status=204)
        leave = places.listen()
        # Proxies that gather an answer before they pass it on (nginx) are asked not to.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = Response(told, headers=headers, content_type=events.MEDIA_TYPE)
        response.call_on_close(leave)
        return response

    @blueprint.get("/api/v1/jobs/<id>/plan")
    def read_plan(id: str) -> Response:
        job = lookup.find(parts, id)
        if job.plan is None:
            raise Refusal("expired", "The plan of this job is no longer kept.", setting="PIXO_RESULT_TTL")
        return answers.json(job.plan)

    return blueprint


def _page(parts: Parts, status: str | None, limit: int, cursor: str | None) -> tuple[list[Job], str | None]:
    """Give up to ``limit`` jobs of the status, newest first, and the cursor of what follows."""
    found: list[Job] = []
    looked = 0
    while looked < LOOKED_AT:
        try:
            page = parts.state.queue.page(limit - len(found) if status is None else BATCH, cursor)
        except ValueError as error:
            raise Refusal("bad-field", "`cursor` is not one from this list.", measured=cursor) from error
        jobs = parts.state.jobs.read_many(page.ids) if page.ids else []
        for at, job in enumerate(jobs):
            if job is None or job.status == "deleted" or status not in (None, job.status):
                continue
            found.append(job)
            if len(found) == limit:
                return found, page.cursors[at] if at + 1 < len(jobs) else page.cursor
        looked += len(jobs)
        cursor = page.cursor
        if cursor is None:
            break
    return found, cursor
