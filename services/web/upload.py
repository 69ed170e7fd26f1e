"""The body of an upload on its way into the store: streamed, counted, never held whole."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from msgspec import Struct
from werkzeug.http import parse_options_header

from pixo.errors import Refusal
from pixo.store import Bytes, Splicer, Writer
from services.web import intake, multipart

SLACK = 1 << 18
"""Bytes by which a form may be longer than the image in it."""
LONGEST_NAME = 200
SETTING = "PIXO_MAX_UPLOAD_BYTES"


class Received(Struct, frozen=True, kw_only=True):
    """What has arrived; the image's bytes are in the store."""

    fields: dict[str, str]
    filename: str
    size: int
    digest: str = ""
    """SHA-256 of the image where it was asked for."""


class Image:
    """The bytes of the image: each piece is counted and passed on."""

    def __init__(self, limit: int, *, digest: bool) -> None:
        self.size = 0
        self._limit = limit
        self._hash = hashlib.sha256() if digest else None

    def take(self, environ: Mapping[str, Any], writer: Writer) -> None:
        """Pass a request's body on, as ``copy`` does."""
        unseen = isinstance(writer, Splicer) and self._hash is None
        self.copy((intake.read_piped if unseen else intake.read)(environ), writer)

    def copy(self, pieces: Iterable[Bytes | intake.Piped], writer: Writer) -> None:
        """Pass the pieces on; raise Refusal as soon as they are too many."""
        for piece in pieces:
            self.size += len(piece)
            if self.size > self._limit:
                raise too_many(self.size, self._limit)
            if isinstance(piece, intake.Piped):
                cast("Splicer", writer).splice(piece.pipe, len(piece))
                continue
            if self._hash:
                self._hash.update(piece)
            writer.write(piece)

    @property
    def digest(self) -> str:
        """The SHA-256 in hexadecimal digits, empty when it was not asked for."""
        return self._hash.hexdigest() if self._hash else ""


def receive(
    environ: Mapping[str, Any],
    write_to: Callable[[], AbstractContextManager[Writer]],
    limit: int,
    *,
    query: Mapping[str, str],
    digest: bool = False,
) -> Received:
    """Stream the image of a request, a form's or the raw body, into what ``write_to`` opens; read the fields.

    Fields come from the query, and from the form where there is one. What is raised leaves nothing behind as
    long as the writer keeps its promise: the blob appears whole or not at all.
    """
    kind, options = parse_options_header(environ.get("CONTENT_TYPE"))
    kind = kind.lower()
    length = intake.length(environ)
    image = Image(limit, digest=digest)
    fields = dict(query)
    if kind == "multipart/form-data":
        if length is not None and length > limit + SLACK:
            raise too_many(length, limit)
        name = _form(options.get("boundary", ""), intake.read(environ), image, write_to, fields)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        if length is not None and length > limit:
            raise too_many(length, limit)
        with write_to() as writer:
            image.take(environ, writer)
        name = fields.pop("filename", "")
    elif not kind and not length:
        raise _no_image()
    else:
        raise Refusal(
            "unsupported-media-type",
            "Send the image as the field `image` of multipart/form-data, or as the body with an image/… Content-Type.",
            measured=kind or "none",
        )
    return Received(fields=fields, filename=clean(name), size=image.size, digest=image.digest)


def clean(name: str) -> str:
    """Return the file's own name: no folders, nothing that does not print, at most 200 characters, the ending kept."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(char for char in name if char.isprintable()).strip()
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        tail = dot + ending if len(ending) < 16 else ""
        name = (stem or name)[: LONGEST_NAME - len(tail)] + tail
    return "" if name in {".", ".."} else name


def too_many(size: int, limit: int) -> Refusal:
    """Return the refusal of an upload that is too long."""
    return Refusal(
        "too-many-bytes",
        f"The upload is larger than the limit of {limit:,} bytes.",
        measured=size,
        limit=limit,
        setting=SETTING,
    )


def _form(
    boundary: str,
    chunks: Iterable[Bytes],
    image: Image,
    write_to: Callable[[], AbstractContextManager[Writer]],
    fields: dict[str, str],
) -> str:
    names: list[str] = []

    def store_file(part: multipart.Part, pieces: Iterator[bytes]) -> None:
        if part.name != "image":
            raise Refusal("unknown-field", f"The file must be in the field `image`, not {part.name!r}.")
        if names:
            raise Refusal("repeated-field", "A request can hold only one image.")
        names.append(part.filename or "")
        with write_to() as writer:
            image.copy(pieces, writer)

    if not boundary:
        raise Refusal("bad-multipart", "The form's Content-Type has no boundary.")
    for name, value in multipart.collect(multipart.parse(boundary.encode(), chunks), store_file).items():
        if name in fields:
            raise Refusal("repeated-field", f"The field {name!r} is given twice.")
        fields[name] = value
    if not names:
        raise _no_image()
    return names[0]


def _no_image() -> Refusal:
    return Refusal("no-image", "No image: send one as the field `image`, or as the body with its Content-Type.")
