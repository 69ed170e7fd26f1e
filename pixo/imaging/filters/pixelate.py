"""Pixelate."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.alpha import weighed, weighing_cost
from pixo.imaging.plan import Mode


class PixelateParams(Struct, frozen=True, kw_only=True):
    """How coarse."""

    size: Annotated[int, Meta(ge=2, le=128, description="side of a cell in pixels")] = 16


class Pixelate(Filter[PixelateParams]):
    """Give all pixels of a cell their mean."""

    name = "pixelate"
    help = "Mean of square cells, counted from the image's upper left corner; colours are weighted by alpha"
    Params = PixelateParams

    def apply(self, pixels: Pixels, params: PixelateParams, place: Place) -> Pixels:
        """Average cells; those that the strip or the image cuts, over what there is of them."""
        return weighed(pixels, lambda image: cells(image, params.size, place.y0))

    def align(self, params: PixelateParams) -> int:
        """Return a cell's height."""
        return params.size

    def cost(self, params: PixelateParams, mode: Mode, depth: int) -> float:
        """Sum down, then across."""
        return len(mode) * (0.6 + 6 / params.size) + weighing_cost(mode)


def cells(pixels: Pixels, size: int, y0: int) -> Pixels:
    """Return each cell's rounded mean; ``y0`` is the first row's place, the grid starts at row 0 and column 0."""
    import numpy as np

    height, width, _ = pixels.shape
    sums, tall = stacked(pixels, size, min(-y0 % size, height))
    columns = np.arange(0, width, size)
    wide = np.diff(columns, append=width)
    sums = np.add.reduceat(sums, columns, axis=1)
    area = (tall[:, None] * wide[None, :]).astype(np.uint32)[..., None]
    means = ((sums + area // 2) // area).astype(pixels.dtype)
    return means.repeat(wide, axis=1).repeat(tall, axis=0)


def stacked(pixels: Pixels, size: int, cut: int) -> tuple[Pixels, Pixels]:
    """Sum rows by cells, the first ``cut`` rows being the rest of one: give sums (cells, w, c) and cells' heights."""
    import numpy as np

    whole = (len(pixels) - cut) // size
    end = cut + whole * size
    body = pixels[cut:end].reshape(whole, size, *pixels.shape[1:])  # ten times as fast as reduceat
    sums = [body.sum(axis=1, dtype=np.uint32)]
    tall = [size] * whole
    if cut:
        sums.insert(0, pixels[:cut].sum(axis=0, keepdims=True, dtype=np.uint32))
        tall.insert(0, cut)
    if end < len(pixels):
        sums.append(pixels[end:].sum(axis=0, keepdims=True, dtype=np.uint32))
        tall.append(len(pixels) - end)
    return np.concatenate(sums), np.array(tall)
