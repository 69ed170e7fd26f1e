"""The Gaussian that `blur` and `unsharp` share: every channel alike, the same to the last bit wherever a pixel lies."""

from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from pixo.imaging.filters import Pixels
from pixo.imaging.plan import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ONE = 1 << 16
"""Weights on 8 bits are whole parts of this: sums of them have 24 bits, which float32 holds, in whatever order."""
WIDE = 6.0
"""Sigma from which `_fine` takes no more time than OpenCV's own way, which errs by more than two levels there."""
ROWS, COLUMNS = 1 << 18, 1 << 8
"""Samples of a block of rows and of a row of a block of columns: what is worked on stays in the processor's cache."""


def reach(sigma: float) -> int:
    """Return the rows and columns that a Gaussian reaches: four sigma, rounded up."""
    return ceil(4 * sigma)


def gaussian(pixels: Pixels, sigma: float) -> Pixels:
    """Blur by OpenCV's fixed point, or by `_fine` where that would err too much: widely on 8 bits."""
    import cv2
    import numpy as np

    if pixels.dtype == np.uint8 and sigma >= WIDE:
        return _fine(pixels, weights(sigma))
    # The size is explicit: the automatic one reaches 3 sigma on 8 bits and 4 on 16.
    size = 2 * reach(sigma) + 1
    return cv2.GaussianBlur(pixels, (size, size), sigma, borderType=cv2.BORDER_REPLICATE).reshape(pixels.shape)


def gaussian_cost(sigma: float, mode: Mode, depth: int) -> float:
    """Estimate the milliseconds per megapixel of `gaussian`."""
    if depth == 8 and sigma >= WIDE:
        return (1.2 + 0.6 * sigma) * len(mode)
    # More than linear: with many taps the rows above no longer stay in the cache.
    return (0.2 + 0.5 * sigma + 0.027 * sigma * sigma) * len(mode) * (2.6 if depth == 16 else 1.0)


@lru_cache(maxsize=8)
def weights(sigma: float) -> "NDArray[np.float64]":
    """Return the weights of a row, whole parts of `ONE` that add up to 1."""
    import cv2
    import numpy as np

    radius = reach(sigma)
    exact = cv2.getGaussianKernel(2 * radius + 1, sigma)[:radius, 0]  # without the processor's own exp()
    # Sums are rounded, not weights: so errors of many small ones do not add up.
    half = np.diff(np.rint(exact.cumsum() * ONE), prepend=0)
    return np.concatenate((half, [ONE - 2 * half.sum()], half[::-1])) / ONE


def _fine(pixels: Pixels, kernel: "NDArray[np.float64]") -> Pixels:
    """Blur 8 bits across, then down, each time rounded to the nearest level: the two err by about a level at most.

    OpenCV's own way has weights of 1/256, of which a wide Gaussian's are 0, 1 and 2: it errs by six levels at sigma 50.
    """
    import cv2
    import numpy as np

    height, width, channels = pixels.shape
    across = np.empty((height, width * channels), np.uint8)
    none = np.ones(1)
    # Asked for 16 bits, OpenCV sums in float32 and rounds to the nearest, halves to even.
    step = max(1, ROWS // across.shape[1])
    for top in range(0, height, step):
        block = slice(top, top + step)
        sums = cv2.sepFilter2D(pixels[block], cv2.CV_16S, kernel, none, borderType=cv2.BORDER_REPLICATE)
        across[block] = sums.reshape(-1, across.shape[1])
    down = np.empty_like(across)
    for left in range(0, across.shape[1], COLUMNS):
        columns = np.s_[:, left : left + COLUMNS]
        sums = cv2.sepFilter2D(across[columns], cv2.CV_16S, none, kernel, borderType=cv2.BORDER_REPLICATE)
        down[columns] = sums
    return down.reshape(pixels.shape)
