"""JPEG segments by libjpeg-turbo: standard tables and no restart markers, so that all strips of a plan agree."""

from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pixo.imaging.costs import FULL_COLOUR_QUALITY


def encode(pixels: NDArray[Any], quality: int) -> bytes:
    """Encode uint8 pixels (h, w, 1 or 3 channels) to a JPEG file; raises ValueError for other channels or depths."""
    if pixels.dtype != np.uint8 or pixels.shape[2] not in {1, 3}:
        raise ValueError(f"JPEG holds 1 or 3 channels of 8 bits, not {pixels.shape[2]} of {pixels.dtype}")
    # The fast DCT saves 4 % and costs accuracy at high qualities.
    if pixels.shape[2] == 1:
        space, sampling = "GRAY", "Gray"
    else:
        space, sampling = "RGB", "444" if quality >= FULL_COLOUR_QUALITY else "420"
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, space, sampling, fastdct=False)
    return data
