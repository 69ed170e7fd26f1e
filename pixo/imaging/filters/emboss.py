"""Emboss."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.kernels import STEPS, convolve, steps, stored
from pixo.imaging.plan import Mode


class EmbossParams(Struct, frozen=True, kw_only=True):
    """How much of it."""

    amount: Annotated[float, Meta(ge=0, le=10, description="strength, in steps of 1/32")] = 1.0


class Emboss(Filter[EmbossParams]):
    """Light each colour from the upper left, as if it were a relief."""

    name = "emboss"
    help = "Relief: adds amount times the slope, with the kernel -2 -1 0 / -1 0 1 / 0 1 2, light from the upper left"
    Params = EmbossParams

    def apply(self, pixels: Pixels, params: EmbossParams, place: Place) -> Pixels:
        """Convolve colours; alpha stays."""
        import numpy as np

        kernel = np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]) * (steps(params.amount) / STEPS)
        kernel[1, 1] = 1
        return convolve(pixels, stored(kernel, place.orientation))

    def radius(self, params: EmbossParams, depth: int) -> int:
        """Reach the neighbours."""
        return 1

    def cost(self, params: EmbossParams, mode: Mode, depth: int) -> float:
        """Run one 3x3 kernel."""
        return len(mode) * (4.0 if depth == 16 else 0.6)
