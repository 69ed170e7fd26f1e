"""Gaussian blur."""

from math import ceil
from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import weighed, weighing_cost
from pixo.imaging.plan import Mode


class BlurParams(Struct, frozen=True, kw_only=True):
    """How wide."""

    sigma: Annotated[float, Meta(ge=0.3, le=50, description="standard deviation in pixels")] = 2.0


class Blur(Filter[BlurParams]):
    """Weigh the neighbourhood by a Gaussian, cut at four sigma."""

    name = "blur"
    help = "Gaussian blur, out to 4 sigma; colours are weighed by alpha"
    Params = BlurParams

    def apply(self, pixels: Pixels, params: BlurParams, place: Place) -> Pixels:
        """Blur colours and alpha."""
        return weighed(pixels, lambda image: gaussian(image, params.sigma))

    def radius(self, params: BlurParams, depth: int) -> int:
        """Reach four sigma."""
        return reach(params.sigma)

    def cost(self, params: BlurParams, mode: Mode, depth: int) -> float:
        """Grow with sigma."""
        return gaussian_cost(params.sigma, mode, 16 if mode.endswith("A") else depth) + weighing_cost(mode)


def reach(sigma: float) -> int:
    """Give the rows and columns that a Gaussian reaches: four sigma, rounded up."""
    return ceil(4 * sigma)


def gaussian(pixels: Pixels, sigma: float) -> Pixels:
    """Blur every channel alike; OpenCV does it in fixed point for 8 and 16 bits."""
    import cv2

    # The size is explicit: the automatic one reaches 3 sigma on 8 bits and 4 on 16.
    size = 2 * reach(sigma) + 1
    return cv2.GaussianBlur(pixels, (size, size), sigma, borderType=cv2.BORDER_REPLICATE).reshape(pixels.shape)


def gaussian_cost(sigma: float, mode: Mode, depth: int) -> float:
    """Estimate the milliseconds per megapixel of `gaussian`."""
    # More than linear: with many taps the rows above no longer stay in the cache.
    return (0.2 + 0.5 * sigma + 0.027 * sigma * sigma) * len(mode) * (2.6 if depth == 16 else 1.0)
