"""The page at ``/``: a handful of files, asked for anew each time and sent only when they changed."""

from hashlib import sha256
from importlib import resources
from typing import NamedTuple

from flask import Blueprint, Response, request

from pixo.errors import Refusal

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
}
POLICY = {
    # Everything comes from here; blob: is what the browser itself holds, such as the chosen image.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


class File(NamedTuple):
    """A file of the page, in memory."""

    data: bytes
    kind: str
    tag: str


def routes() -> Blueprint:
    """Return the blueprint; the files are read once, here."""
    blueprint = Blueprint("page", __name__)
    files = {
        entry.name: _read(entry.read_bytes(), entry.name.rpartition(".")[2])
        for entry in resources.files("services.web").joinpath("page").iterdir()
        if entry.name.rpartition(".")[2] in TYPES
    }

    @blueprint.get("/")
    def index() -> Response:
        return _answer(files["index.html"])

    @blueprint.get("/<name>")
    def file(name: str) -> Response:
        if name not in files:
            raise Refusal("not-found", f"Nothing found at {request.path}.")
        return _answer(files[name])

    return blueprint


def _read(data: bytes, ending: str) -> File:
    return File(data, TYPES[ending], sha256(data).hexdigest()[:20])


def _answer(file: File) -> Response:
    response = Response(file.data, headers=POLICY, content_type=file.kind)
    response.set_etag(file.tag)
    response.make_conditional(request.environ)
    return response
