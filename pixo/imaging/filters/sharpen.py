"""Sharpen."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.kernels import STEPS, convolve, steps
from pixo.imaging.plan import Mode


class SharpenParams(Struct, frozen=True, kw_only=True):
    """How much of it."""

    amount: Annotated[float, Meta(ge=0, le=10, description="strength, in steps of 1/32")] = 1.0


class Sharpen(Filter[SharpenParams]):
    """Move each pixel away from the mean of its eight neighbours."""

    name = "sharpen"
    help = "Adds amount times the difference from the mean of the 8 neighbours; 1 is Pillow's SHARPEN"
    Params = SharpenParams

    def apply(self, pixels: Pixels, params: SharpenParams, place: Place) -> Pixels:
        """Convolve colours; alpha stays."""
        import numpy as np

        each = steps(params.amount)
        kernel = np.full((3, 3), -each / (8 * STEPS))
        kernel[1, 1] = 1 + each / STEPS
        return convolve(pixels, kernel)

    def radius(self, params: SharpenParams, depth: int) -> int:
        """Reach the neighbours."""
        return 1

    def cost(self, params: SharpenParams, mode: Mode, depth: int) -> float:
        """Run one 3x3 kernel."""
        return len(mode) * (4.0 if depth == 16 else 0.6)
