"""Small kernels whose sums are exact, so that the order of adding does not matter."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pixo.imaging.blocks import BLOCK
from pixo.imaging.filters import Pixels
from pixo.imaging.filters.alpha import hidden, kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEPS = 32
"""Strengths are rounded to this part of 1: then every product is a multiple of 1/256, exact in floating point."""


def steps(strength: float) -> int:
    """Return a strength in whole steps."""
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

    The kernel's weights are multiples of 1/256 that add up, without their signs, to less than 256. Neighbours whose
    alpha is 0 take no part.
    """
    import cv2
    import numpy as np

    if pixels.dtype == np.uint8:
        result = cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        return passing_over(kept(result, pixels), pixels, lambda around: around @ kernel.ravel())
    # 16 bits and 8 of the weights, summed, pass the 24 bits that float32 holds.
    sums = cv2.filter2D(pixels, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
    # In place: the sums are four times as large as the pixels.
    np.rint(sums, out=sums)
    result = np.clip(sums, 0, 65535, out=sums).astype(np.uint16)
    return passing_over(kept(result, pixels), pixels, lambda around: around @ kernel.ravel())


def passing_over(
    result: Pixels, pixels: Pixels, weigh: "Callable[[NDArray[np.float64]], NDArray[np.float64]]"
) -> Pixels:
    """Return ``result``, which is written to, with colours that those of pixels with alpha 0 have no part in.

    Else what is hidden would be drawn as an outline into what can be seen. Beside it a pixel is weighed once more, with
    itself in place of each hidden neighbour. ``weigh`` takes the 3x3 pixels around each of some colour values,
    (n, c, 9), and gives exact sums, (n, c).
    """
    import cv2
    import numpy as np

    mask = hidden(pixels)
    if mask is None:
        return result
    height, width = mask.shape
    beside = cv2.findNonZero(cv2.dilate(mask, np.ones((3, 3), np.uint8)) & ~mask)
    if beside is None:
        return result
    # Pixels as single numbers are taken from their places several times as fast.
    flat = np.ascontiguousarray(pixels).view(f"u{pixels.shape[2] * pixels.itemsize}").ravel()
    down, right = (each.ravel() for each in np.mgrid[-1:2, -1:2])
    full = int(np.iinfo(pixels.dtype).max)
    step = BLOCK // 4  # nine pixels around each, as numbers of 64 bits
    for start in range(0, len(beside), step):
        x, y = np.split(beside[start : start + step].reshape(-1, 2), 2, axis=1)
        places = np.clip(y + down, 0, height - 1) * width + np.clip(x + right, 0, width - 1)
        places = np.where(mask.ravel()[places], places[:, 4:5], places)
        around = flat[places].view(pixels.dtype).reshape(-1, 9, pixels.shape[2])[..., :-1]
        sums = weigh(around.swapaxes(1, 2).astype(np.float64))
        result[y[:, 0], x[:, 0], :-1] = np.clip(np.rint(sums), 0, full)
    return result
