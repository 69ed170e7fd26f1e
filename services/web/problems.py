"""Answers to what cannot be done: problem documents (RFC 9457), one shape for every error of the API.

Beside the standard members a problem has ``what`` (the refusal's stable name) and, where they mean something,
``measured``, ``limit`` and ``setting`` (the variable that moves the limit), or ``part`` (what is out of reach).
"""

from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from pixo import logs
from pixo.errors import BadImage, Refusal, TryAgain
from pixo.store import NoSuchBlob
from services.web.answers import AGAIN

MEDIA_TYPE = "application/problem+json"
PATIENCE = 3
"""Seconds after which a client may well ask again, when a part is out of reach."""

STATUS = {
    # The request itself is wrong.
    "bad-chain": 400,
    "bad-chunks": 400,
    "bad-field": 400,
    "bad-multipart": 400,
    "bad-parameter": 400,
    "cut-off-upload": 400,
    "empty-file": 400,
    "no-image": 400,
    "repeated-field": 400,
    "too-many-filters": 400,
    "unknown-field": 400,
    "unknown-filter": 400,
    "unknown-format": 400,
    "unknown-parameter": 400,
    "no-token": 401,
    "cross-site": 403,
    "no-such-job": 404,
    "no-such-tile": 404,
    "not-found": 404,
    "method-not-allowed": 405,
    "slow-upload": 408,
    # The job is not in a state for it, now or ever.
    "no-image-yet": 409,
    "no-tile-yet": 409,
    "wrong-state": 409,
    "expired": 410,
    # The content is too much, or nothing that Pixo takes.
    "too-many-bytes": 413,
    "unsupported-format": 415,
    "unsupported-media-type": 415,
    "bad-range": 416,
    # It was sent to another server, by the name that it is for.
    "foreign-host": 421,
    "too-many-waiting": 429,
    "too-many-listeners": 503,
    "too-many-previews": 503,
}
"""From a refusal's kind to its status; any other refusal is about the image, which is 422."""

log = logs.logger(__name__)


def answer(kind: str, status: int, detail: str, headers: dict[str, str] | None = None, **members: object) -> Response:
    """Return the response with a problem document; members that are None are left out."""
    document = {
        "type": f"urn:pixo:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "what": kind,
        **{name: value for name, value in members.items() if value is not None},
    }
    return Response(msgspec.json.encode(document) + b"\n", status, headers, content_type=MEDIA_TYPE)


def install(app: Flask) -> None:
    """Let every error that a route raises end as a problem document."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(TryAgain, _out_of_reach)
    app.register_error_handler(NoSuchBlob, _bytes_gone)
    app.register_error_handler(BadImage, lambda error: answer("bad-image", 422, str(error)))
    app.register_error_handler(HTTPException, _http)


def _refused(refusal: Refusal) -> Response:
    status = STATUS.get(refusal.kind, 422)
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if refusal.kind in {"no-image-yet", "no-tile-yet"}:
        headers["Retry-After"] = AGAIN
    if refusal.again is not None:
        headers["Retry-After"] = str(refusal.again)
    if refusal.kind == "bad-range":
        headers["Content-Range"] = f"bytes */{refusal.limit}"
    return answer(
        refusal.kind,
        status,
        str(refusal),
        headers,
        measured=refusal.measured,
        limit=refusal.limit,
        setting=refusal.setting,
    )


def _out_of_reach(error: TryAgain) -> Response:
    log.warning("part out of reach", part=error.part, reason=str(error), path=request.path)
    detail = f"{error.part} is unreachable right now; try again in a few seconds."
    return answer("out-of-reach", 503, detail, {"Retry-After": str(PATIENCE)}, part=error.part)


def _bytes_gone(error: NoSuchBlob) -> Response:
    log.warning("blob gone", key=error.key, path=request.path)
    return answer("expired", 410, "These bytes are no longer kept.")


def _http(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        # Flask has logged it with its traceback; the client gets no inside.
        return answer("internal-error", 500, "Internal error; the details are in the server's log.")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        detail = f"{request.method} is not allowed here; use one of {allowed}."
        return answer("method-not-allowed", 405, detail, {"Allow": allowed}, measured=request.method)
    if error.code == HTTPStatus.NOT_FOUND:
        return answer("not-found", 404, f"Nothing found at {request.path}.")
    status = HTTPStatus(error.code or 500)
    return answer(status.phrase.lower().replace(" ", "-"), status, error.description or status.phrase)
