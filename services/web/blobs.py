"""Answering with a blob: whole or a range, from a file without copying, from a bucket piece by piece."""

import unicodedata
from urllib.parse import quote

from flask import Response, request
from werkzeug.http import parse_range_header, unquote_etag
from werkzeug.wsgi import wrap_file

from pixo.errors import Refusal
from pixo.store import NoSuchBlob, Store

MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "avif": "image/avif",
}
READING = frozenset({"GET", "HEAD"})
ENDINGS = {"jpeg": "jpg", "png": "png", "webp": "webp", "tiff": "tif", "gif": "gif", "avif": "avif"}


def respond(store: Store, key: str, *, form: str, name: str, tag: str) -> Response:
    """Return the response with the blob of an image; ``tag`` is what its strong ETag holds.

    Raise NoSuchBlob when it is gone, Refusal("bad-range") for a range beyond its end.
    """
    size = store.size(key)
    if size is None:
        raise NoSuchBlob(key)
    headers = {
        **validators(tag),
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(name, attached="download" in request.args),
    }
    if same := unchanged(tag, headers):
        return same
    start, end = _range(size, tag)
    headers["Content-Length"] = str(end - start)
    partial = (start, end) != (0, size)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response = Response(status=206 if partial else 200, headers=headers, content_type=MEDIA_TYPES[form])
    if request.method != "HEAD":
        _attach(response, store, key, start, end, size)
    return response


def validators(tag: str) -> dict[str, str]:
    """Return the headers of what may be kept, but is asked for again each time: it never changes, the job may go."""
    return {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}


def unchanged(tag: str, headers: dict[str, str]) -> Response | None:
    """Return the response for whoever has this already, else None; an upload's answer is always new."""
    if request.method not in READING or not request.if_none_match.contains(tag):
        return None
    return Response(status=304, headers=headers)


def disposition(name: str, *, attached: bool) -> str:
    """Return the header that names a download, for any name (RFC 6266)."""
    kind = "attachment" if attached else "inline"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    for unsafe in '\\"/':
        plain = plain.replace(unsafe, "_")
    if plain[:1] in ("", "-", "."):  # nothing of the stem was ASCII
        plain = f"image{plain}"
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def _attach(response: Response, store: Store, key: str, start: int, end: int, size: int) -> None:
    if store.path(key) is None or end < size:
        response.response = store.chunks(key, start, end)
        return
    file = store.reader(key)
    file.seek(start)
    # The server has the kernel send the file, from its position to its end, and closes it.
    response.response = wrap_file(request.environ, file, 1 << 18)
    response.direct_passthrough = True


def _range(size: int, tag: str) -> tuple[int, int]:
    """Return the bytes that are asked for; several ranges, or a range of another version, mean all of them."""
    # Of an upload that is answered with the image, a range means nothing (RFC 9110, 14.2).
    asked = parse_range_header(request.headers.get("Range")) if request.method in READING else None
    condition = request.headers.get("If-Range")
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, size
    if condition is not None and unquote_etag(condition) != (tag, False):
        return 0, size
    first, last = asked.ranges[0]
    if last is None and first < 0 and size:
        return max(0, size + first), size  # the last bytes: of a shorter image, all (RFC 9110, 14.1.2)
    found = asked.range_for_length(size)
    if found is None:
        raise Refusal("bad-range", f"The image has {size} bytes.", measured=asked.to_header(), limit=size)
    return found
