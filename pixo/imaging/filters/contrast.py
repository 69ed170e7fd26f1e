"""Contrast."""

from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.tables import levels, look_up, table
from pixo.imaging.plan import Mode


class ContrastParams(Struct, frozen=True, kw_only=True):
    """How much of it."""

    amount: Annotated[float, Meta(ge=0, le=10, description="factor: 0 all gray, 1 unchanged, 2 twice the contrast")] = (
        1.25
    )


class Contrast(Filter[ContrastParams]):
    """Multiply each colour value's distance from the middle of the scale."""

    name = "contrast"
    help = "Multiplies each colour value's distance from middle gray, like CSS contrast(amount)"
    Params = ContrastParams

    def apply(self, pixels: Pixels, params: ContrastParams, place: Place) -> Pixels:
        """Look each value up."""
        return look_up(pixels, contrasted(params.amount, pixels.itemsize * 8))

    def cost(self, params: ContrastParams, mode: Mode, depth: int) -> float:
        """Read one table."""
        return 0.3 * len(mode)


@lru_cache(maxsize=8)
def contrasted(amount: float, depth: int) -> Pixels:
    """Return the table of all levels, spread around half of full scale."""
    middle = ((1 << depth) - 1) / 2
    return table((levels(depth) - middle) * amount + middle)
