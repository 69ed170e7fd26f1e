"""Engine ``stream``: rows in order, each decoded once, in bounded memory, by libvips."""

from pathlib import Path
from typing import Self

import numpy as np

from pixo.imaging.decode.push import Push
from pixo.imaging.decode.reader import Pixels, Rewind
from pixo.imaging.plan import Plan


class StreamReader:
    """Takes rows from a thread that decodes; keeps the rows of the last call, so that the next halo is at hand."""

    def __init__(self, path: Path, plan: Plan, *, start: int, until: int) -> None:
        self._push = Push(path, plan, start=start, until=until)
        self._window: Pixels = np.empty((0, *self._push.row_shape), self._push.dtype)
        # The window's rows in the image are [first, end).
        self._first = start
        self._end = start

    def rows(self, top: int, bottom: int) -> Pixels:
        """Return rows ``[top, bottom)`` as (bottom - top, width, channels)."""
        if top < self._first:
            raise Rewind(f"row {top} is gone, the first at hand is {self._first}")
        if bottom > self._end:
            self._advance(top, bottom)
        return self._window[top - self._first : bottom - self._first]

    def close(self) -> None:
        """Stop the decoder and wait for its thread."""
        self._push.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _advance(self, top: int, bottom: int) -> None:
        """Make the window hold rows ``[top, bottom)``: keep what it has of them and decode the rest."""
        kept = self._window[top - self._first : self._end - self._first]
        window = self._window
        if len(window) < bottom - top:
            window = np.empty((bottom - top, *self._push.row_shape), self._push.dtype)
        window[: len(kept)] = kept
        # Set before decoding, so that the reader agrees with itself also if that fails.
        self._window, self._first = window, top
        if self._end < top:
            self._push.read(top - self._end)
            self._end = top
        self._push.read(bottom - self._end, window[self._end - top : bottom - top])
        self._end = bottom
