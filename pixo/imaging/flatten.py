"""Alpha away: pixels on a background, in integers, so that every machine gets the same."""

import numpy as np

from pixo.imaging.blocks import blocks
from pixo.imaging.decode.reader import Pixels
from pixo.imaging.plan import Mode


def flatten(pixels: Pixels, mode: Mode, background: str) -> Pixels:
    """Lay pixels with alpha (h, w, 2 or 4) on the colour ``#rrggbb``, giving L or RGB; others pass as they are."""
    channels = pixels.shape[2]
    if channels == len(mode):
        return pixels
    full = int(np.iinfo(pixels.dtype).max)
    # 257 is 65535 / 255.
    scale = full // 255
    levels = [int(background[at : at + 2], 16) * scale for at in (1, 3, 5)][: len(mode)]
    colour = np.asarray(levels, np.uint32)
    result = np.empty((*pixels.shape[:2], len(mode)), pixels.dtype)
    for block in blocks(pixels):
        alpha = pixels[block, :, -1:].astype(np.uint32)
        # At most 65535 * 65535 + 32767: fits into 32 bits.
        result[block] = (pixels[block, :, :-1] * alpha + colour * (full - alpha) + full // 2) // full
    return result
