"""Box blur."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import averaged, weighing_cost
from pixo.imaging.plan import Mode


class BoxParams(Struct, frozen=True, kw_only=True):
    """How wide."""

    radius: Annotated[int, Meta(ge=1, le=50, description="pixels on each side: the square is 2 radius + 1 wide")] = 2


class Box(Filter[BoxParams]):
    """Give each pixel the mean of the square around it."""

    name = "box"
    help = "Mean of the square around each pixel; colours are weighted by alpha"
    Params = BoxParams

    def apply(self, pixels: Pixels, params: BoxParams, place: Place) -> Pixels:
        """Average colours and alpha."""
        return averaged(pixels, lambda image: mean(image, 2 * params.radius + 1), params.radius)

    def radius(self, params: BoxParams, depth: int) -> int:
        """Return the parameter itself."""
        return params.radius

    def cost(self, params: BoxParams, mode: Mode, depth: int) -> float:
        """Hold for all sizes."""
        return len(mode) * (1.2 if depth == 16 or mode.endswith("A") else 0.4) + weighing_cost(mode)


def mean(pixels: Pixels, size: int) -> Pixels:
    """Return the rounded mean of size x size pixels, every channel alike; the size is odd and at most 101."""
    import cv2
    import numpy as np

    if pixels.dtype == np.uint8:
        # Some of its lanes divide in float32. Up to 101 that rounds like exact division: the mean of an odd number
        # of pixels is at least 1 / (2 * 101 * 101) away from a half, float32 errs by less than 2 ** -23 * 255.
        return cv2.blur(pixels, (size, size), borderType=cv2.BORDER_REPLICATE).reshape(pixels.shape)
    # The same is not true on 16 bits: sums of 65535 * 101 * 101 fit 32 bits, and integers divide exactly.
    sums = cv2.boxFilter(pixels, cv2.CV_32S, (size, size), normalize=False, borderType=cv2.BORDER_REPLICATE).view(
        np.uint32
    )
    area = size * size
    sums += np.uint32(area // 2)
    sums //= np.uint32(area)
    return sums.astype(np.uint16).reshape(pixels.shape)
