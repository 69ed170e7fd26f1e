"""JSON answers."""

from typing import Any

import msgspec
from flask import Response

from pixo.state.records import Job
from services.web import documents

AGAIN = "1"
"""Seconds after which it makes sense to ask for a job again."""


def json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return the response with a document that nobody may keep."""
    response = Response(msgspec.json.encode(document) + b"\n", status, headers, content_type="application/json")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def job(found: Job, status: int = 200) -> Response:
    """Return the response with a job; under way, with when to ask again too: a busy server may not have waited."""
    response = json(documents.job(found), status)
    if found.live:
        response.headers["Retry-After"] = AGAIN
    return response
