"""The decoding thread of a stream: libvips pushes bytes, which go into strips, which a reader takes in order."""

from collections import deque
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from pixo.errors import BadImage
from pixo.imaging import libvips
from pixo.imaging.decode.reader import Pixels
from pixo.imaging.memory import AHEAD
from pixo.imaging.plan import Plan

# Strips have about this many bytes, and this many go round between the thread and its reader.
STRIP_BYTES = 1 << 20
STRIPS = AHEAD // STRIP_BYTES


def open_pixels(path: Path, plan: Plan, *, strict: bool = False) -> libvips.Opened:
    """Open an image for one pass, in the mode, depth and size of the plan; raise BadImage if it is another one.

    A ``strict`` pass ends at the decoder's first warning, which ``only_odd`` then tells from damage.
    """
    try:
        opened = libvips.open_image(path, plan.source, strict=strict)
    except pyvips.Error as error:
        if strict and only_odd(error):
            return open_pixels(path, plan)
        raise damaged(plan, error) from error
    try:
        opened.image = image = libvips.conformed(libvips.canonical(opened.image), plan.mode)
    except (pyvips.Error, libvips.Unsupported) as error:
        opened.close()
        raise damaged(plan, error) from error
    depth = 16 if image.format == "ushort" else 8
    if (image.width, image.height, depth) != (plan.width, plan.height, plan.depth):
        opened.close()
        raise BadImage("The image is not the one whose header was read: its size or depth differs.")
    return opened


def only_odd(error: BaseException) -> bool:
    """Return whether what ended a strict pass leaves the picture whole."""
    return isinstance(error, pyvips.Error) and not libvips.loses_pixels(libvips.reason(error))


def failure(plan: Plan, error: BaseException) -> BaseException:
    """Return what to raise for a pass that broke off: what the file system has is no fault of the image."""
    return error if isinstance(error, OSError) else damaged(plan, error)


def damaged(plan: Plan, error: BaseException) -> BadImage:
    """Make the error that the image's owner reads."""
    detail = libvips.reason(error) if isinstance(error, pyvips.Error) else str(error)
    return BadImage(
        f"The {plan.source.upper()} is damaged or cut off: not all of its pixels can be decoded ({detail})."
    )


class Push:
    """Decodes ahead of its reader, by a few strips and not beyond the rows that are wanted."""

    def __init__(self, path: Path, plan: Plan, *, start: int, until: int) -> None:
        # Only libjpeg goes on where data is missing. A second pass, without being strict, is for odd files alone.
        self._strict = plan.source == "jpeg"
        self._opened = open_pixels(path, plan, strict=self._strict)
        self._path = path
        self._plan = plan
        self.dtype = np.dtype(np.uint8 if plan.depth == 8 else np.uint16)
        self.row_shape = (plan.width, self._opened.image.bands)
        self._row_bytes = self.row_shape[0] * self.row_shape[1] * self.dtype.itemsize
        rows = max(1, min(plan.height, STRIP_BYTES // self._row_bytes))
        self._change = Condition()
        # Guarded by `_change`:
        self._free: list[Pixels] = [np.empty((rows, *self.row_shape), self.dtype) for _ in range(STRIPS)]
        self._ready: deque[tuple[Pixels, int]] = deque()
        self._wanted = until
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        # The thread's own: bytes still to drop, the first row of the strip in hand, its bytes and how many are there.
        self._drop = start * self._row_bytes
        self._top = start
        self._strip: Pixels | None = None
        self._bytes: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._filled = 0
        # The reader's own: its next row, the strip it reads, that strip's rows, and how many of them are read.
        self._next_row = start
        self._taken: tuple[Pixels, int] | None = None
        self._used = 0
        self._thread = Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def read(self, count: int, into: Pixels | None = None) -> None:
        """Take the next rows, into an array of as many, or for nothing; raise BadImage if they cannot be decoded."""
        bottom = self._next_row + count
        with self._change:
            self._wanted = max(self._wanted, bottom)
            self._change.notify_all()
        done = 0
        while done < count:
            strip, rows = self._taken or self._next()
            step = min(rows - self._used, count - done)
            if into is not None:
                into[done : done + step] = strip[self._used : self._used + step]
            done += step
            self._used += step
            self._taken = (strip, rows)
            if self._used == rows:
                self._give_back(strip)
        self._next_row = bottom
        if bottom == self._plan.height:
            self._await_end()

    def close(self) -> None:
        """Stop the thread and wait for it."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join()

    def _next(self) -> tuple[Pixels, int]:
        with self._change:
            self._change.wait_for(lambda: self._ready or self._ended)
            if self._ready:
                return self._ready.popleft()
            raise failure(self._plan, self._error or EOFError("the decoder stopped"))

    def _give_back(self, strip: Pixels) -> None:
        self._taken, self._used = None, 0
        with self._change:
            self._free.append(strip)
            self._change.notify_all()

    def _await_end(self) -> None:
        """Wait for the decoder's last word: damage at the end shows only after the last row."""
        with self._change:
            self._change.wait_for(lambda: self._ended)
            if self._error is not None:
                raise failure(self._plan, self._error) from self._error

    # What follows runs in the decoding thread.

    def _run(self) -> None:
        try:
            error = self._decode()
            if error is not None and self._strict and not self._closed and only_odd(error):
                self._drop = self._top * self._row_bytes + self._filled
                self._opened = open_pixels(self._path, self._plan)
                error = self._decode()
        except BaseException as failed:  # noqa: BLE001 - raised again by the reader, which would else wait for ever
            error = failed
        with self._change:
            self._ended = True
            self._error = None if self._closed else error
            self._change.notify_all()

    def _decode(self) -> BaseException | None:
        """Push all bytes through; return what ended that too early."""
        target = pyvips.TargetCustom()
        target.on_write(self._write)
        try:
            self._opened.image.rawsave_target(target)
        except pyvips.Error as failure:
            return self._opened.explain(failure)
        finally:
            self._opened.close()
        return None

    def _write(self, buffer: Any) -> int:
        """Take bytes from libvips; a 0 tells it to stop."""
        data = np.frombuffer(buffer, np.uint8)
        size = len(data)
        if self._drop:
            dropped = min(self._drop, size)
            self._drop -= dropped
            data = data[dropped:]
            if self._closed:
                return 0
        while len(data):
            if self._strip is None and not self._begin():
                return 0
            step = min(len(data), len(self._bytes) - self._filled)
            self._bytes[self._filled : self._filled + step] = data[:step]
            self._filled += step
            data = data[step:]
            if self._filled == len(self._bytes):
                self._hand_over()
        return size

    def _begin(self) -> bool:
        """Take a free strip as soon as more rows are wanted; False if there will be none."""
        with self._change:
            self._change.wait_for(lambda: self._closed or (self._free and self._top < self._wanted))
            if self._closed:
                return False
            self._strip = self._free.pop()
        rows = min(len(self._strip), self._plan.height - self._top)
        self._bytes = self._strip[:rows].reshape(-1).view(np.uint8)
        self._filled = 0
        return True

    def _hand_over(self) -> None:
        with self._change:
            if self._strip is not None:
                rows = min(len(self._strip), self._plan.height - self._top)
                self._ready.append((self._strip, rows))
                self._top += rows
            self._strip = None
            self._change.notify_all()
