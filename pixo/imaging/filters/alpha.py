"""Transparency: colour filters leave it alone, and what averages pixels weighs colours by it.

Averaging RGBA channel by channel, as libvips does, draws the invisible colour of transparent pixels into their
neighbours: dark fringes. So means are weighed by alpha, as ImageMagick weighs them, here in integers. Filters that keep
alpha and look at their neighbours pass over the wholly transparent ones, for the same reason.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pixo.imaging.blocks import blocks
from pixo.imaging.filters import Pixels
from pixo.imaging.plan import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHING = 12.0


def present(pixels: Pixels) -> bool:
    """Return whether the last channel is alpha."""
    return pixels.shape[2] in (2, 4)


def kept(result: Pixels, source: Pixels) -> Pixels:
    """Return ``result``, as an array (h, w, c), with the alpha of ``source``; ``result`` is written to."""
    result = result.reshape(source.shape)
    if present(source):
        result[..., -1] = source[..., -1]
    return result


def hidden(pixels: Pixels) -> "Pixels | None":
    """Return 255 for each pixel whose alpha is 0 and 0 for others, (h, w); None if there are none, or no alpha."""
    import cv2
    import numpy as np

    if not present(pixels):
        return None
    alpha = cv2.extractChannel(pixels, pixels.shape[2] - 1)
    return None if alpha.all() else (alpha == 0).view(np.uint8) * np.uint8(255)


def stood_in(pixels: Pixels, mean: Callable[[Pixels], Pixels]) -> Pixels:
    """Apply a filter that averages colours, with each pixel itself in place of hidden ones around it.

    ``mean`` takes every channel alike; what comes out as alpha means nothing. Within a level of rounding; where nothing
    is hidden within reach, colours are what they are without alpha.
    """
    import cv2
    import numpy as np

    mask = hidden(pixels)
    if mask is None:
        return mean(pixels)
    full, last = int(np.iinfo(pixels.dtype).max), pixels.shape[2] - 1
    # With black in place of what is hidden a mean lacks a share of each pixel itself. Alpha's place tells which.
    shown = cv2.copyTo(pixels, ~mask)
    cv2.insertChannel(mask.astype(pixels.dtype) * (full // 255), shown, last)
    result = mean(shown)
    for block in blocks(pixels):
        # In whole numbers: OpenCV rounds a scaled product of 16 bits by where in a row it stands.
        own = (pixels[block] * result[block][..., -1:].astype(np.uint32) + full // 2) // full
        result[block] = np.minimum(result[block] + own, full)
    return result


def averaged(pixels: Pixels, mean: Callable[[Pixels], Pixels], radius: int) -> Pixels:
    """Apply a filter that averages: as it is where nothing within its radius is transparent, else `weighed`.

    Opaque images are many, and those of 8 bits are weighed as 16. Of 16 bits the two are the same.
    """
    import cv2
    import numpy as np

    if not present(pixels) or pixels.dtype != np.uint8:
        return weighed(pixels, mean)
    # Each pixel is decided by what is around it alone: a level that rounding changes must not depend on tiles.
    opaque = _surrounded(cv2.extractChannel(pixels, pixels.shape[2] - 1) == 255, radius)
    if opaque.all():
        return mean(pixels)
    result = weighed(pixels, mean)
    if opaque.any():
        cv2.copyTo(mean(pixels), opaque.view(np.uint8), result)
    return result


def weighed(pixels: Pixels, mean: Callable[[Pixels], Pixels]) -> Pixels:
    """Apply a filter that averages: as it is without alpha, else colours weighed by alpha, and alpha itself.

    ``mean`` takes and gives (h, w, c) of uint8 or uint16. What is wholly transparent afterwards is black.
    """
    import cv2
    import numpy as np

    if not present(pixels):
        return mean(pixels)
    full = int(np.iinfo(pixels.dtype).max)
    alpha = cv2.extractChannel(pixels, pixels.shape[2] - 1)
    # Products and weights as 16 bits: those of 8 bits are exact, on the scale 255 * 255; those of 16 bits are rounded.
    scale = 255 if full == 255 else 1
    weight = mean(np.multiply(alpha, np.uint16(scale), dtype=np.uint16)[..., None])[..., 0]
    result = np.empty(pixels.shape, pixels.dtype)
    # One plane at a time: a wide image's window is large, and each of these takes twice its plane.
    for channel in range(pixels.shape[2] - 1):
        product = mean(_product(cv2.extractChannel(pixels, channel), alpha, full)[..., None])[..., 0]
        _divide(product, weight, full, result[..., channel])
    for block in blocks(weight):
        result[block, :, -1] = (weight[block].astype(np.uint32) + scale // 2) // scale
    return result


def _surrounded(wanted: "NDArray[np.bool_]", radius: int) -> "NDArray[np.bool_]":
    """Tell of which pixels, (h, w), the square around each holds wanted ones only; those beyond the edge count."""
    import cv2
    import numpy as np

    if wanted.all():
        return wanted
    side = 2 * radius + 1
    others = (~wanted).view(np.uint8)
    around = cv2.boxFilter(others, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.equal(around, 0)


def weighing_cost(mode: Mode) -> float:
    """Estimate what `weighed` adds, in milliseconds per megapixel."""
    return WEIGHING if mode.endswith("A") else 0.0


def _product(colour: Pixels, alpha: Pixels, full: int) -> Pixels:
    """Return colour times alpha as 16 bits, of planes (h, w)."""
    import numpy as np

    if full == 255:
        return np.multiply(colour, alpha, dtype=np.uint16)
    product = np.empty(colour.shape, np.uint16)
    for block in blocks(colour):
        product[block] = (np.multiply(colour[block], alpha[block], dtype=np.uint32) + 32767) // 65535
    return product


def _divide(product: Pixels, weight: Pixels, full: int, into: Pixels) -> None:
    """Write product / weight, rounded, as levels up to ``full``; black where the weight is 0."""
    import numpy as np

    for block in blocks(product):
        # Whole numbers up to 2**32: float64 holds them, and a quotient is cut to where the exact one would be.
        levels = product[block].astype(np.float64)
        levels *= full
        levels += weight[block] // 2
        levels /= np.maximum(weight[block], 1)
        into[block] = np.minimum(levels, full, out=levels)
