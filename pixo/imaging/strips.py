"""A chain on a window of rows, strip by strip where they are many: what a filter makes in between stays small."""

from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from pixo.imaging.chain import Chain, Step
from pixo.imaging.filters import Pixels, Place

STRIP = 8 << 20
"""Bytes of a strip, at least. Ordinary tiles are less than three of them, and pass in one piece."""
OVERLAP = 16
"""A strip is so many times as high as the filter reaches, at least: the rows around it are worked on twice."""


def apply(chain: Chain, pixels: Pixels, place: Place) -> Pixels:
    """Return the filtered pixels (h, w, c) of the same dtype, perhaps ``pixels`` itself, which is never written to.

    ``place.y0`` is the absolute row of ``pixels[0]``. Rows within the chain's halo of an edge that is not the image's
    own are not to be used.
    """
    for step in chain.steps:
        pixels = _filtered(step, pixels, place)
    return pixels


def _filtered(step: Step, pixels: Pixels, place: Place) -> Pixels:
    """Apply one filter: in strips it gives the same, by its own law."""
    each, params = step
    radius, cell = each.radius(params, 8 * pixels.itemsize), each.align(params)
    height = max(STRIP // pixels[0].nbytes, OVERLAP * radius, 1)
    height = -(-height // cell) * cell
    if len(pixels) <= 3 * height:
        return each.apply(pixels, params, place)
    result = pixels[:0]
    # Cells are counted from the image's top, which the window may begin anywhere below.
    for top, bottom in pairwise([0, *range(height - place.y0 % cell, len(pixels), height), len(pixels)]):
        above = max(0, top - radius)
        strip = each.apply(pixels[above : bottom + radius], params, replace(place, y0=place.y0 + above))
        if not top:  # only now are its channels known
            result = np.empty((len(pixels), *strip.shape[1:]), strip.dtype)
        result[top:bottom] = strip[top - above : bottom - above]
    return result
