"""Pages of other sites that may call the API: those whose origins the operator names (CORS, WHATWG Fetch)."""

from collections.abc import Collection
from functools import partial

from flask import Flask, Response, request

ANY = "*"
METHODS = "GET, HEAD, POST, DELETE"
SENT = "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Last-Event-ID, Range, Traceparent"
"""Headers that such a page may send."""
READ = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After"
"""Headers of answers that it may read, beside those that every page may."""
KEPT = "7200"
"""Seconds for which a browser need not ask again; Chromium keeps to two hours whatever is said."""


def install(app: Flask, origins: Collection[str]) -> None:
    """Answer the question that a browser asks before a call, and let the page read what the call gives.

    The question has no token with it: whoever asks for tokens comes later.
    """
    if origins:
        app.before_request(partial(_answer, origins))
        app.after_request(partial(_open, origins))


def named(origins: Collection[str]) -> bool:
    """Return whether the request comes from a page of one of these origins."""
    return ANY in origins or request.headers.get("Origin", "") in origins


def _answer(origins: Collection[str]) -> Response | None:
    asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not (asked and _concerns(origins)):
        return None
    said = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": KEPT,
    }
    return Response(status=204, headers=said)


def _open(origins: Collection[str], response: Response) -> Response:
    if request.path.startswith("/api/") and ANY not in origins:
        response.vary.add("Origin")
    if _concerns(origins):
        response.headers["Access-Control-Allow-Origin"] = ANY if ANY in origins else request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = READ
    return response


def _concerns(origins: Collection[str]) -> bool:
    return request.path.startswith("/api/") and "Origin" in request.headers and named(origins)
