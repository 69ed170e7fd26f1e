"""Filters of single values: every level's result is computed once, so that all machines agree on it."""

from typing import TYPE_CHECKING

from pixo.imaging.filters import Pixels
from pixo.imaging.filters.alpha import kept

if TYPE_CHECKING:
    import numpy as np


def levels(depth: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return all levels of a depth of 8 or 16 bits, 0.0 to 255.0 or to 65535.0."""
    import numpy as np

    return np.arange(1 << depth, dtype=np.float64)


def table(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Pixels:
    """Round the values of all 256 or 65536 levels, halves up, and cut them to the range of their depth."""
    import numpy as np

    kind = np.uint8 if len(values) == 256 else np.uint16
    result: Pixels = np.clip(np.floor(values + 0.5), 0, len(values) - 1).astype(kind)
    result.setflags(write=False)  # it is shared by all callers
    return result


def look_up(pixels: Pixels, table: Pixels) -> Pixels:
    """Replace each colour value by its entry; alpha stays."""
    import cv2

    return kept(cv2.LUT(pixels, table), pixels)
