"""JSON answers."""

from typing import Any

import msgspec
from flask import Response


def json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Give the response with a document that nobody may keep."""
    response = Response(msgspec.json.encode(document) + b"\n", status, headers, content_type="application/json")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
