"""Pixelate."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import weighed
from pixo.imaging.plan import Mode


class PixelateParams(Struct, frozen=True, kw_only=True):
    """How coarse."""

    size: Annotated[int, Meta(ge=2, le=128, description="side of a cell in pixels")] = 16


class Pixelate(Filter[PixelateParams]):
    """Give all pixels of a cell their mean."""

    name = "pixelate"
    help = "Mean of square cells, counted from the image's upper left corner; colours are weighed by alpha"
    Params = PixelateParams

    def apply(self, pixels: Pixels, params: PixelateParams, place: Place) -> Pixels:
        """Average cells; those that the strip or the image cuts, over what there is of them."""
        return weighed(pixels, lambda image: cells(image, params.size, place.y0))

    def align(self, params: PixelateParams) -> int:
        """Give a cell's height."""
        return params.size

    def cost(self, params: PixelateParams, mode: Mode, depth: int) -> float:
        """Sum down, then across."""
        return 2.0 * len(mode) + (20 if mode.endswith("A") else 0)


def cells(pixels: Pixels, size: int, y0: int) -> Pixels:
    """Give each cell's rounded mean; ``y0`` is the first row's place, the grid starts at row 0 and column 0."""
    import numpy as np

    height, width, _ = pixels.shape
    rows = np.array([0, *range(size - y0 % size, height, size)])
    columns = np.arange(0, width, size)
    tall = np.diff(rows, append=height)
    wide = np.diff(columns, append=width)
    sums = np.add.reduceat(pixels, rows, axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, columns, axis=1)
    area = (tall[:, None] * wide[None, :]).astype(np.uint32)[..., None]
    means = ((sums + area // 2) // area).astype(pixels.dtype)
    return means.repeat(wide, axis=1).repeat(tall, axis=0)
