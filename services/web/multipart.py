"""A form with an image in it (multipart/form-data), taken apart while it arrives."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from pixo.errors import Refusal
from pixo.store import Bytes

MOST_FIELD_BYTES = 1 << 16
MOST_PARTS = 32
MOST_HELD = 1 << 16
"""Bytes before, between and after the parts that are kept until they make sense."""
LONGEST_PADDING = 64
"""Blanks behind a boundary that are still taken for its end."""


class Part(NamedTuple):
    """The beginning of a part."""

    name: str
    filename: str | None
    """None for a plain field."""


def parse(boundary: bytes, chunks: Iterable[Bytes]) -> Iterator[Part | bytes]:
    """Return each part's beginning and then its bytes in pieces, in the order of the body.

    Every piece is given as soon as it is known not to be the boundary, and none is kept. Raise
    Refusal("bad-multipart") for a body that is none, or ends too early.
    """
    decoder = _Decoder(boundary, max_parts=MOST_PARTS)
    try:
        for chunk in chunks:
            decoder.receive_data(chunk)  # type: ignore[arg-type] # which copies from any buffer
            yield from _events(decoder)
        decoder.receive_data(None)
        yield from _events(decoder)
    except RequestEntityTooLarge as error:
        raise Refusal("bad-multipart", f"The form has more than {MOST_PARTS} parts.", limit=MOST_PARTS) from error
    except ValueError as error:
        raise Refusal("bad-multipart", "The form is cut off, or is not multipart/form-data.") from error


def collect(parts: Iterable[Part | bytes], store_file: Callable[[Part, Iterator[bytes]], None]) -> dict[str, str]:
    """Return the plain fields; hand each file's pieces to ``store_file``, which need not take them all.

    Raise Refusal("repeated-field" | "bad-field") for fields that say nothing clear.
    """
    fields: dict[str, str] = {}
    stream = iter(parts)
    part = next(stream, None)
    while isinstance(part, Part):
        body = _Body(stream)
        if part.filename is not None:
            store_file(part, body)
            for _ in body:
                pass
        elif part.name in fields:
            raise Refusal("repeated-field", f"The field {part.name!r} is given twice.")
        else:
            fields[part.name] = _text(part.name, body)
        part = body.following
    return fields


class _Body(Iterator[bytes]):
    """The pieces of one part; ``following`` is the next part's beginning once they are used up."""

    def __init__(self, stream: Iterator[Part | bytes]) -> None:
        self._stream = stream
        self._over = False
        self.following: Part | None = None

    def __next__(self) -> bytes:
        item = None if self._over else next(self._stream, None)
        if isinstance(item, bytes):
            return item
        if not self._over:
            self._over, self.following = True, item
        raise StopIteration


class _Decoder(MultipartDecoder):
    """Werkzeug's decoder, right for pieces that end just behind a boundary too, and for names that are not UTF-8.

    There it gives the CR before the boundary to the file (3.1.9): it reckons with boundaries whose beginning has
    come, not with those whose end is missing.
    """

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        try:
            return super()._parse_headers(data)
        except UnicodeDecodeError:  # a name as an old disk has it; to Latin-1 every byte means something
            return super()._parse_headers(data.decode("latin-1").encode())

    def _last_partial_boundary_index(self, data: bytes | bytearray) -> int:
        at = data.rfind(b"\n--" + self.boundary)
        rest = data[at + len(b"\n--" + self.boundary) :]
        if at >= 0 and len(rest) <= LONGEST_PADDING and (rest == b"-" or not rest.strip(b" \t\r")):
            return at - (data[at - 1 : at] == b"\r")
        return super()._last_partial_boundary_index(data)


def _text(name: str, pieces: Iterable[bytes]) -> str:
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > MOST_FIELD_BYTES:
            limit = MOST_FIELD_BYTES
            raise Refusal("bad-field", f"The field {name!r} is longer than {limit} bytes.", limit=limit)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refusal("bad-field", f"The field {name!r} is not UTF-8 text.") from error


def _events(decoder: MultipartDecoder) -> Iterator[Part | bytes]:
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData | Epilogue):
            break
        if isinstance(event, File):
            yield Part(_name(event.name), event.filename)
        elif isinstance(event, Field):
            yield Part(_name(event.name), None)
        elif isinstance(event, Data) and event.data:
            yield event.data
    if len(decoder.buffer) > MOST_HELD:
        raise ValueError("no boundary in sight")


def _name(name: str | None) -> str:
    if not name:
        raise Refusal("bad-multipart", "A part of the form has no name.")
    return name
