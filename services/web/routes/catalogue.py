"""What there is: filters, workers, the cluster, this API."""

import time
from importlib import resources

from flask import Blueprint, Response

from pixo.imaging.filters import catalogue
from services.web import answers, documents
from services.web.parts import Parts


def routes(parts: Parts) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("catalogue", __name__)
    description = resources.files("services.web").joinpath("openapi.json").read_bytes()

    @blueprint.get("/api/v1/filters")
    def list_filters() -> Response:
        return answers.json({"filters": catalogue()})

    @blueprint.get("/api/v1/workers")
    def list_workers() -> Response:
        return answers.json({"workers": documents.workers(parts.state.workers.known(), time.time())})

    @blueprint.get("/api/v1/cluster")
    def read_cluster() -> Response:
        state = parts.state
        snapshot = state.cluster.read() or {}
        jobs = {"listed": state.queue.size(), "waiting": state.queue.waiting(), "active": len(state.queue.active())}
        roles = documents.workers(state.workers.known(None), time.time())
        # What this process knows comes last: a snapshot may be missing, and is up to five seconds old.
        return answers.json({**snapshot, "jobs": jobs, "roles": roles, "monitored": bool(snapshot)})

    @blueprint.get("/api/v1/openapi.json")
    def read_openapi() -> Response:
        return Response(description, content_type="application/json", headers={"Cache-Control": "no-cache"})

    return blueprint
