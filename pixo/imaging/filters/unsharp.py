"""Unsharp masking."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.blocks import blocks
from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import kept, stood_in
from pixo.imaging.filters.gaussian import gaussian, gaussian_cost, reach
from pixo.imaging.filters.kernels import STEPS, steps
from pixo.imaging.plan import Mode


class UnsharpParams(Struct, frozen=True, kw_only=True):
    """How wide, how much, and from which difference on."""

    sigma: Annotated[float, Meta(ge=0.3, le=50, description="standard deviation of the blur in pixels")] = 1.0
    amount: Annotated[float, Meta(ge=0, le=5, description="how much of the difference is added, in steps of 1/32")] = (
        1.0
    )
    threshold: Annotated[
        int, Meta(ge=0, le=255, description="smallest difference that is sharpened, in 8-bit levels")
    ] = 0


class Unsharp(Filter[UnsharpParams]):
    """Move each pixel away from its blurred self."""

    name = "unsharp"
    help = "Unsharp mask: adds amount times the difference from a Gaussian blur, where it reaches the threshold"
    Params = UnsharpParams

    def apply(self, pixels: Pixels, params: UnsharpParams, place: Place) -> Pixels:
        """Sharpen colours; alpha stays."""
        import cv2
        import numpy as np

        blurred = stood_in(pixels, lambda image: gaussian(image, params.sigma))
        amount = steps(params.amount) / STEPS
        # Exact in float32, so it is the same with and without fused multiply-add: 16 bits times at most 6 * 32.
        result = cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0).reshape(pixels.shape)
        if params.threshold:
            least = params.threshold * (257 if pixels.itemsize == 2 else 1)
            for block in blocks(pixels):
                slight = cv2.absdiff(pixels[block], blurred[block]).reshape(pixels[block].shape) < least
                np.copyto(result[block], pixels[block], where=slight)
        return kept(result, pixels)

    def radius(self, params: UnsharpParams, depth: int) -> int:
        """Reach as far as the blur."""
        return reach(params.sigma)

    def cost(self, params: UnsharpParams, mode: Mode, depth: int) -> float:
        """Add a pass to the blur."""
        return gaussian_cost(params.sigma, mode, depth) + len(mode) * (0.9 if params.threshold else 0.3)
