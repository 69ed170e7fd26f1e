"""The bytes of a request's body, in large pieces."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import NoMoreData, ParseException

from pixo.errors import Refusal

STEP = 1 << 18
"""Bytes that are taken from the connection at once, at most: every upload under way holds so many."""
SLOWEST = 16_384
"""Bytes a second that an upload has on average, or it is given up: it holds a thread."""
START = 60.0
"""Seconds in which it may be slower."""


def length(environ: Mapping[str, Any]) -> int | None:
    """Give the body's declared length; None where the server will tell its end (chunked)."""
    declared = environ.get("CONTENT_LENGTH")
    if declared:
        return int(declared)
    return None if environ.get("wsgi.input_terminated") else 0


def read(environ: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> Iterator[memoryview | bytes]:
    """Give the body in pieces, each of them good until the next is asked for.

    Raise Refusal when it ends early (``cut-off-upload``), stands still or crawls (``slow-upload``), or comes in chunks
    that are none (``bad-chunks``).
    """
    declared = length(environ)
    got, begun = 0, clock()
    try:
        for piece in _pieces(environ, declared):
            got += len(piece)
            if (seconds := clock() - begun) > START and got < SLOWEST * (seconds - START):
                raise Refusal(
                    "slow-upload",
                    f"The upload is too slow: {got} bytes in {seconds:.0f} s.",
                    measured=round(got / seconds),
                    limit=SLOWEST,
                )
            yield piece
    except TimeoutError as error:
        raise Refusal("slow-upload", "The upload stood still for too long.", measured=got) from error
    except (ConnectionError, NoMoreData) as error:
        raise _cut_off(got) from error
    except ParseException as error:
        raise Refusal("bad-chunks", f"The upload's chunked encoding is broken: {error}.", measured=got) from error
    if declared is not None and got < declared:
        raise _cut_off(got)


def _pieces(environ: Mapping[str, Any], declared: int | None) -> Iterator[memoryview | bytes]:
    source = environ["wsgi.input"]
    socket = environ.get("gunicorn.socket")
    if socket is not None and isinstance(source, Body) and isinstance(source.reader, LengthReader):
        yield from _received(source.reader, socket)
    elif socket is not None and isinstance(source, Body) and isinstance(source.reader, ChunkedReader):
        # As it arrives: to read a number of bytes would wait for all of them, however slowly they come.
        yield from source.reader.parser or ()
        return
    left = STEP if declared is None else declared
    while left > 0 and (piece := source.read(min(STEP, left))):
        left -= 0 if declared is None else len(piece)
        yield piece


def _received(reader: LengthReader, socket: Any) -> Iterator[memoryview | bytes]:
    """Receive the body past gunicorn's buffers, which copy every byte several times, and keep its count right.

    That takes a third of the time of reading through them.
    """
    buffered = reader.unreader.take_buffered()
    ours, others = buffered[: reader.length], buffered[reader.length :]
    reader.unreader.unread(others)
    reader.length -= len(ours)
    if ours:
        yield ours
    room = memoryview(bytearray(min(STEP, reader.length)))
    while reader.length > 0:
        count = socket.recv_into(room[: reader.length])
        if not count:
            return
        reader.length -= count
        yield room[:count]


def _cut_off(got: int) -> Refusal:
    return Refusal("cut-off-upload", f"The upload ended early, after {got} bytes.", measured=got)
