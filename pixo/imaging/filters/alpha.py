"""Transparency: colour filters leave it alone, and what averages pixels weighs colours by it.

Averaging RGBA channel by channel, as libvips does, draws the invisible colour of transparent pixels into their
neighbours: dark fringes. So means are weighed by alpha, as ImageMagick weighs them, here in integers.
"""

from collections.abc import Callable

from pixo.imaging.filters import Pixels


def present(pixels: Pixels) -> bool:
    """Tell whether the last channel is alpha."""
    return pixels.shape[2] in (2, 4)


def kept(result: Pixels, source: Pixels) -> Pixels:
    """Give ``result``, as an array (h, w, c), with the alpha of ``source``; ``result`` is written to."""
    result = result.reshape(source.shape)
    if present(source):
        result[..., -1] = source[..., -1]
    return result


def weighed(pixels: Pixels, mean: Callable[[Pixels], Pixels]) -> Pixels:
    """Apply a filter that averages: as it is without alpha, else colours weighed by alpha, and alpha itself.

    ``mean`` takes and gives (h, w, c) of uint8 or uint16. What is wholly transparent afterwards is black.
    """
    import numpy as np

    if not present(pixels):
        return mean(pixels).reshape(pixels.shape)
    full = np.iinfo(pixels.dtype).max
    # Products and weights as 16 bits: 8-bit ones are exact on the scale 255 * 255, 16-bit ones are rounded.
    scale = 255 if full == 255 else 1
    work = pixels.astype(np.uint16)
    alpha = work[..., -1]
    for channel in range(pixels.shape[2] - 1):
        product = work[..., channel].astype(np.uint32) * alpha
        work[..., channel] = product if full == 255 else (product + 32767) // 65535
    alpha *= np.uint16(scale)
    work = mean(work).reshape(pixels.shape)
    weight = work[..., -1].astype(np.uint32)
    result = np.empty_like(pixels)
    for channel in range(pixels.shape[2] - 1):
        colour = (work[..., channel].astype(np.uint32) * full + weight // 2) // np.maximum(weight, 1)
        result[..., channel] = np.minimum(colour, full)
    result[..., -1] = (weight + scale // 2) // scale
    return result
