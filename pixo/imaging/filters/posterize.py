"""Posterize."""

from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.tables import levels, look_up, table
from pixo.imaging.plan import Mode


class PosterizeParams(Struct, frozen=True, kw_only=True):
    """How many levels."""

    levels: Annotated[
        int, Meta(ge=2, le=128, description="number of levels per colour, black and full scale included")
    ] = 4


class Posterize(Filter[PosterizeParams]):
    """Round each colour value to one of a few levels."""

    name = "posterize"
    help = "Rounds each colour value to the nearest of a few even levels, like ImageMagick's -posterize"
    Params = PosterizeParams

    def apply(self, pixels: Pixels, params: PosterizeParams, place: Place) -> Pixels:
        """Look each value up."""
        return look_up(pixels, posterized(params.levels, pixels.itemsize * 8))

    def cost(self, params: PosterizeParams, mode: Mode, depth: int) -> float:
        """Read one table."""
        return 0.3 * len(mode)


@lru_cache(maxsize=8)
def posterized(count: int, depth: int) -> Pixels:
    """Return the table of all levels, each rounded to the nearest of ``count``."""
    full = (1 << depth) - 1
    steps = (levels(depth) * (2 * (count - 1)) + full) // (2 * full)
    return table((steps * (2 * full) + (count - 1)) // (2 * (count - 1)))
