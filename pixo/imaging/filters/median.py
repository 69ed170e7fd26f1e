"""Median."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.errors import Refusal
from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.plan import Mode


class MedianParams(Struct, frozen=True, kw_only=True):
    """How wide."""

    radius: Annotated[
        int, Meta(ge=1, le=25, description="pixels on each side: the square is 2 radius + 1 wide; above 2, 8 bits only")
    ] = 1


class Median(Filter[MedianParams]):
    """Give each channel the median of the square around the pixel."""

    name = "median"
    help = "Median of the square around each pixel, of each channel separately, alpha included"
    Params = MedianParams

    def apply(self, pixels: Pixels, params: MedianParams, place: Place) -> Pixels:
        """Rank every channel alike; the border repeats its edge pixels."""
        import cv2
        import numpy as np

        size = 2 * params.radius + 1
        if size > 5 and pixels.shape[2] == 2:  # OpenCV has no large median of two channels
            planes = [cv2.medianBlur(np.ascontiguousarray(pixels[..., c]), size) for c in range(2)]
            return np.stack(planes, axis=2)
        return cv2.medianBlur(pixels, size).reshape(pixels.shape)

    def radius(self, params: MedianParams, depth: int) -> int:
        """Return the parameter itself."""
        return params.radius

    def check(self, params: MedianParams, mode: Mode, depth: int) -> None:
        """Refuse a large square on 16 bits."""
        if depth == 16 and params.radius > 2:
            raise Refusal(
                "unsupported-depth",
                f"median: radius {params.radius} needs an 8-bit image; on 16 bits it can be at most 2",
                measured=params.radius,
                limit=2,
            )

    def cost(self, params: MedianParams, mode: Mode, depth: int) -> float:
        """Tell cheap sorting networks from histograms."""
        return len(mode) * {1: 0.2, 2: 0.6}.get(params.radius, 15.0) * (2 if depth == 16 else 1)
