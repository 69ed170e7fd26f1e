"""Small kernels whose sums are exact, so that the order of adding does not matter."""

from typing import TYPE_CHECKING, Any

from pixo.imaging.filters import Pixels
from pixo.imaging.filters.alpha import kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEPS = 32
"""Strengths are rounded to this part of 1: then every product is a multiple of 1/256, exact in floating point."""


def steps(strength: float) -> int:
    """Give a strength in whole steps."""
    return round(strength * STEPS)


def stored(kernel: "NDArray[Any]", orientation: int) -> "NDArray[Any]":
    """Turn a kernel that is meant for the image as it is shown to how its pixels are stored."""
    # EXIF names the sides of the shown image that the first row and the first column are: from 5 on, the first row
    # is its left or right and the first column its top or bottom.
    if orientation >= 5:
        kernel = kernel.T
    if orientation in (3, 4, 6, 7):  # the first row is the bottom or the right
        kernel = kernel[::-1]
    if orientation in (2, 3, 7, 8):  # the first column is the right or the bottom
        kernel = kernel[:, ::-1]
    return kernel.copy()


def convolve(pixels: Pixels, kernel: "NDArray[np.float64]") -> Pixels:
    """Weigh the 3x3 neighbours of the colours, round (halves to even) and cut to the range; alpha stays.

    The kernel's weights are multiples of 1/256 that add up, without their signs, to less than 256.
    """
    import cv2
    import numpy as np

    if pixels.dtype == np.uint8:
        return kept(cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REPLICATE), pixels)
    # 16 bits and 8 of the weights, summed, pass the 24 bits that float32 holds.
    sums = cv2.filter2D(pixels, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
    return kept(np.clip(np.rint(sums), 0, 65535).astype(np.uint16), pixels)
