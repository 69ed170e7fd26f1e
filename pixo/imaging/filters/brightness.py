"""Brightness."""

from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.tables import levels, look_up, table
from pixo.imaging.plan import Mode


class BrightnessParams(Struct, frozen=True, kw_only=True):
    """How much of it."""

    amount: Annotated[float, Meta(ge=0, le=10, description="factor: 0 black, 1 unchanged, 2 twice as bright")] = 1.25


class Brightness(Filter[BrightnessParams]):
    """Multiply each colour value."""

    name = "brightness"
    help = "Multiplies each colour value, like CSS brightness(amount)"
    Params = BrightnessParams

    def apply(self, pixels: Pixels, params: BrightnessParams, place: Place) -> Pixels:
        """Look each value up."""
        return look_up(pixels, brightened(params.amount, pixels.itemsize * 8))

    def cost(self, params: BrightnessParams, mode: Mode, depth: int) -> float:
        """Read one table."""
        return 0.3 * len(mode)


@lru_cache(maxsize=8)
def brightened(amount: float, depth: int) -> Pixels:
    """Return the table of all levels times the amount."""
    return table(levels(depth) * amount)
