"""The bytes of a request's body, in large pieces."""

import fcntl
import os
import select
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import suppress
from typing import Any, TypeVar

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import NoMoreData, ParseException

from pixo.errors import Refusal
from pixo.store import CANNOT_SPLICE

STEP = 1 << 18
"""Bytes that are taken from the connection at once, at most: every upload under way holds so many."""
SPLICED = 1 << 18
"""Likewise, where the kernel holds them; a user's pipes hold 64 MiB in all."""
SLOWEST = 16_384
"""Bytes a second that an upload has on average, or it is given up: it holds a thread."""
START = 60.0
"""Seconds in which it may be slower."""


class Piped:
    """A piece that the kernel holds in a pipe, where a file can take it without a copy in this process."""

    def __init__(self, pipe: int, size: int) -> None:
        self.pipe = pipe
        self._size = size

    def __len__(self) -> int:
        return self._size


Piece = TypeVar("Piece", bound=Sized)


def length(environ: Mapping[str, Any]) -> int | None:
    """Return the body's declared length; None where the server will tell its end (chunked)."""
    declared = environ.get("CONTENT_LENGTH")
    if declared:
        return int(declared)
    return None if environ.get("wsgi.input_terminated") else 0


def read(environ: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> Iterator[memoryview | bytes]:
    """Return the body in pieces, each of them good until the next is asked for.

    Raise Refusal when it ends early (``cut-off-upload``), stands still or crawls (``slow-upload``), or comes in chunks
    that are none (``bad-chunks``).
    """
    return _bounded(_pieces(environ, _received), length(environ), clock)


def read_piped(
    environ: Mapping[str, Any], clock: Callable[[], float] = time.monotonic
) -> Iterator[memoryview | bytes | Piped]:
    """Do what ``read`` does, with pieces in a pipe where the kernel can put them there."""
    # Of a connection with TLS the kernel has other bytes than ours.
    plain = not isinstance(environ.get("gunicorn.socket"), ssl.SSLSocket)
    spliced = plain and hasattr(os, "splice")
    return _bounded(_pieces(environ, _spliced), length(environ), clock) if spliced else read(environ, clock)


def _bounded(pieces: Iterator[Piece], declared: int | None, clock: Callable[[], float]) -> Iterator[Piece]:
    got, begun = 0, clock()
    try:
        for piece in pieces:
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
        raise Refusal("slow-upload", "The upload stalled for too long.", measured=got) from error
    except (ConnectionError, NoMoreData) as error:
        raise _cut_off(got) from error
    except ParseException as error:
        raise Refusal("bad-chunks", f"The upload's chunked encoding is broken: {error}.", measured=got) from error
    if declared is not None and got < declared:
        raise _cut_off(got)


def _pieces(
    environ: Mapping[str, Any], receive: Callable[[LengthReader, Any], Iterator[Piece]]
) -> Iterator[Piece | memoryview | bytes]:
    declared = length(environ)
    source = environ["wsgi.input"]
    socket = environ.get("gunicorn.socket")
    if socket is not None and isinstance(source, Body) and isinstance(source.reader, LengthReader):
        yield from _buffered(source.reader)
        yield from receive(source.reader, socket)
    elif socket is not None and isinstance(source, Body) and isinstance(source.reader, ChunkedReader):
        # As it arrives: to read a number of bytes would wait for all of them, however slowly they come.
        yield from source.reader.parser or ()
        return
    left = STEP if declared is None else declared
    while left > 0 and (piece := source.read(min(STEP, left))):
        left -= 0 if declared is None else len(piece)
        yield piece


def _buffered(reader: LengthReader) -> Iterator[bytes]:
    """Return what the server has of the body already, and keep its count right."""
    buffered = reader.unreader.take_buffered()
    ours, others = buffered[: reader.length], buffered[reader.length :]
    reader.unreader.unread(others)
    reader.length -= len(ours)
    if ours:
        yield ours


def _received(reader: LengthReader, socket: Any) -> Iterator[memoryview]:
    """Receive the body past gunicorn's buffers, which copy every byte several times.

    That takes a third of the time of reading through them.
    """
    room = memoryview(bytearray(min(STEP, reader.length)))
    while reader.length > 0:
        count = socket.recv_into(room[: reader.length])
        if not count:
            return
        reader.length -= count
        yield room[:count]


def _spliced(reader: LengthReader, socket: Any) -> Iterator[memoryview | Piped]:
    """Have the kernel move the body into a pipe: into a file that takes half of the time of receiving and writing."""
    if pipe := _pipe():
        out, into = pipe
        try:
            while reader.length > 0 and (count := _splice(socket, into, reader.length)):
                reader.length -= count
                yield Piped(out, count)
        finally:
            os.close(into)
            os.close(out)
    if reader.length > 0:  # whatever it was that stopped the kernel
        yield from _received(reader, socket)


def _pipe() -> tuple[int, int] | None:
    """Return the ends of a pipe, out and in; None if it would be short, which takes longer than receiving."""
    with suppress(OSError):  # too many files; all pipes of one user are bounded, too
        out, into = os.pipe()
        try:
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, SPLICED)
        except OSError:
            os.close(into)
            os.close(out)
        else:
            return out, into
    return None


def _splice(socket: Any, pipe: int, most: int) -> int:
    """Move what has come, up to so much, into the pipe; give 0 at the end, and before what only receiving gets over."""
    with suppress(BlockingIOError):
        return _moved(socket, pipe, most)
    bound = socket.gettimeout()
    ready = select.poll()
    ready.register(socket, select.POLLIN)
    if not ready.poll(None if bound is None else bound * 1000):
        raise TimeoutError
    with suppress(BlockingIOError):  # something is there, but nothing to move: urgent data
        return _moved(socket, pipe, most)
    return 0


def _moved(socket: Any, pipe: int, most: int) -> int:
    try:
        return os.splice(socket.fileno(), pipe, min(SPLICED, most))
    except OSError as error:
        if error.errno in CANNOT_SPLICE:
            return 0
        raise


def _cut_off(got: int) -> Refusal:
    return Refusal("cut-off-upload", f"The upload ended early, after {got} bytes.", measured=got)
