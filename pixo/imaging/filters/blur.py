"""Gaussian blur."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import averaged, weighing_cost
from pixo.imaging.filters.gaussian import gaussian, gaussian_cost, reach
from pixo.imaging.plan import Mode


class BlurParams(Struct, frozen=True, kw_only=True):
    """How wide."""

    sigma: Annotated[float, Meta(ge=0.3, le=50, description="standard deviation in pixels")] = 2.0


class Blur(Filter[BlurParams]):
    """Weigh the neighbourhood by a Gaussian, cut at four sigma."""

    name = "blur"
    help = "Gaussian blur, out to 4 sigma; colours are weighted by alpha"
    Params = BlurParams

    def apply(self, pixels: Pixels, params: BlurParams, place: Place) -> Pixels:
        """Blur colours and alpha."""
        return averaged(pixels, lambda image: gaussian(image, params.sigma), reach(params.sigma))

    def radius(self, params: BlurParams, depth: int) -> int:
        """Reach four sigma."""
        return reach(params.sigma)

    def cost(self, params: BlurParams, mode: Mode, depth: int) -> float:
        """Grow with sigma."""
        return gaussian_cost(params.sigma, mode, 16 if mode.endswith("A") else depth) + weighing_cost(mode)
