"""Engine ``luma``: the luma of a baseline JPEG alone, whole, in memory, by libjpeg-turbo."""

from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Self

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pixo.errors import BadImage
from pixo.imaging import libvips
from pixo.imaging.headers.jpeg import EOI, read_frame
from pixo.imaging.plan import Plan

# Taller than any MCU: a decoder told to stop at a multiple of it stops between two MCU rows.
STEP = 16


class LumaReader:
    """Decodes at the first call, down to ``until`` only; all rows above stay at hand."""

    def __init__(self, path: Path, plan: Plan, *, until: int) -> None:
        self._path = path
        self._plan = plan
        self._until = until
        self._pixels: NDArray[np.uint8] = np.empty((0, plan.width, 1), np.uint8)

    def rows(self, top: int, bottom: int) -> NDArray[np.uint8]:
        """Return rows ``[top, bottom)`` as (bottom - top, width, 1)."""
        if bottom > len(self._pixels):
            # A second call beyond the first one's end pays for everything above it again, so it goes all the way.
            until = self._plan.height if len(self._pixels) else max(bottom, self._until)
            self._pixels = self._pixels[:0]
            self._pixels = self._decode(until)
        return self._pixels[top:bottom]

    def close(self) -> None:
        """Let the pixels go."""
        self._pixels = np.empty((0, self._plan.width, 1), np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode(self, until: int) -> NDArray[np.uint8]:
        height = self._plan.height
        stop = -(-until // STEP) * STEP
        # A private mapping: the file is not held in memory, and what is written to it stays in this process.
        with self._path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_COPY) as data:
            frame = read_frame(data)  # type: ignore[arg-type]
            if stop >= height:
                return _decode_whole(data, frame.scan_at)
            # With a smaller height in its header the decoder stops early, and says that it did not see the end:
            # whether the file has one is checked by the run that holds the last row.
            data[frame.height_at : frame.height_at + 2] = stop.to_bytes(2)
            return _decode(data, strict=False)


def _decode_whole(data: mmap, scan_at: int) -> NDArray[np.uint8]:
    try:
        return _decode(data, strict=True)
    except BadImage as error:
        # Strict is against every oddity, and cameras write some. Only missing data takes pixels away.
        if libvips.loses_pixels(str(error.__cause__)) or data.find(bytes([0xFF, EOI]), scan_at) < 0:
            raise
        return _decode(data, strict=False)


def _decode(data: mmap, *, strict: bool) -> NDArray[np.uint8]:
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colorspace="GRAY", fastdct=False, fastupsample=False, strict=strict
        )
    except ValueError as error:
        raise BadImage("The JPEG is damaged or cut off: not all of its pixels can be decoded.") from error
    return pixels
