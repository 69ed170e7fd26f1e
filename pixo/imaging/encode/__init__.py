"""A finished tile's pixels to a segment that joins with its neighbours without decoding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixo.imaging.encode import jpeg, png
from pixo.imaging.plan import Plan


def encode(pixels: NDArray[Any], plan: Plan) -> bytes:
    """Encode one tile: ``pixels`` (rows, width, channels of ``plan.out_mode``), uint8 or uint16 by ``plan.depth``.

    A JPEG piece is a JPEG file of its own; a PNG piece is described in ``pixo.imaging.segment``. Raises
    ValueError where the pixels are not what the plan says.
    """
    want = (plan.width, len(plan.out_mode))
    if pixels.ndim != 3 or pixels.shape[1:] != want or not 0 < pixels.shape[0] <= plan.rows:
        raise ValueError(f"pixels of {pixels.shape} for tiles of at most {plan.rows} rows of {want}")
    if pixels.dtype != (np.uint16 if plan.depth == 16 else np.uint8):
        raise ValueError(f"pixels of {pixels.dtype} for {plan.depth} bits")
    if plan.piece == "jpeg":
        return jpeg.encode(pixels, plan.output.quality)
    return png.encode(pixels)
