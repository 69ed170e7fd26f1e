"""PNG segments: Paeth rows by OpenCV in blocks that stay in the cache, deflated by ISA-L at its fastest level."""

from typing import Any

import cv2
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from pixo.imaging import segment

SUB, PAETH = 1, 4
BLOCK = 256 * 1024
"""Bytes filtered and deflated at a time: half of this costs 10 % more calls, twice of it leaves the cache."""

Bytes = NDArray[np.uint8]


def encode(pixels: NDArray[Any]) -> bytes:
    """Encode pixels (h, w, 1 to 4 channels), uint8 or uint16, to a segment (``pixo.imaging.segment``).

    The first row is filtered with Sub, since the row above it belongs to another tile; all others with Paeth.
    """
    step = pixels.shape[2] * pixels.dtype.itemsize
    rows = _bytes(pixels)
    height, width = rows.shape
    count = min(height, max(1, BLOCK // width))
    # ISA-L writes a complete block at every flush, and looks at nothing before its own first byte.
    packer = isal_zlib.compressobj(isal_zlib.ISAL_BEST_SPEED, isal_zlib.DEFLATED, -15)
    lines = np.empty((count, 1 + width), np.uint8)
    paeth = _Paeth(count, width, step)
    _sub(rows[0], step, lines[0])
    adler = isal_zlib.adler32(lines[:1].data)
    data = [packer.compress(lines[:1].data)]
    for top in range(1, height, count):
        block = lines[: min(count, height - top)]
        paeth.filter(rows[top - 1 : top + len(block)], block)
        adler = isal_zlib.adler32(block.data, adler)
        data.append(packer.compress(block.data))
    data.append(packer.flush(isal_zlib.Z_SYNC_FLUSH))
    return segment.pack(data, adler, height * (1 + width))


def _bytes(pixels: NDArray[Any]) -> Bytes:
    """View pixels as rows of bytes (h, width of a row); 16-bit samples turn big-endian, as PNG has them."""
    whole = np.ascontiguousarray(pixels, ">u2" if pixels.dtype.itemsize > 1 else np.uint8)
    return whole.view(np.uint8).reshape(len(whole), -1)


def _sub(row: Bytes, step: int, line: Bytes) -> None:
    """Write a row less its own pixels one to the left."""
    line[0] = SUB
    line[1 : 1 + step] = row[:step]
    np.subtract(row[step:], row[:-step], line[1 + step :])


class _Paeth:
    """The Paeth filter over many rows at once, with room for the values in between.

    With a the byte to the left, b above, c above left, and lo, hi the lesser and greater of a and b, Paeth
    predicts c where c lies nearer to the middle of lo and hi than to either of them, else lo or hi, whichever
    is farther from c. In bytes that saturate: u = c - lo, v = hi - c; c where abs(u - v) < min(u, v), else
    lo where v <= u, else hi.
    """

    def __init__(self, rows: int, width: int, step: int) -> None:
        self._step = step
        self._room = [np.empty((rows, width - step), np.uint8) for _ in range(5)]

    def filter(self, rows: Bytes, lines: Bytes) -> None:
        """Write ``rows[1:]`` filtered, each after its filter type, to ``lines``; ``rows[0]`` is the row above."""
        step = self._step
        above, here = rows[:-1], rows[1:]
        lines[:, 0] = PAETH
        # There is nothing to the left of the first pixel: Paeth predicts the one above.
        np.subtract(here[:, :step], above[:, :step], lines[:, 1 : 1 + step])
        if here.shape[1] == step:
            return
        a, b, c = here[:, :-step], above[:, step:], above[:, :-step]
        low, guess, u, v, mask = (part[: len(here)] for part in self._room)
        cv2.min(a, b, low)
        cv2.max(a, b, guess)
        cv2.subtract(c, low, u)
        cv2.subtract(guess, c, v)
        cv2.compare(v, u, cv2.CMP_LE, mask)
        cv2.copyTo(low, mask, guess)
        cv2.min(u, v, low)
        cv2.absdiff(u, v, u)
        cv2.compare(u, low, cv2.CMP_LT, mask)
        cv2.copyTo(c, mask, guess)
        np.subtract(here[:, step:], guess, lines[:, 1 + step :])
