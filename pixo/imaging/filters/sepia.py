"""Sepia."""

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from pixo.imaging.blocks import blocks
from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.plan import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# W3C Filter Effects Level 1, sepia(): the matrix at amount 1; at less it lies between that and identity.
FULL = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
ONE = 1024


class SepiaParams(Struct, frozen=True, kw_only=True):
    """How much of it."""

    amount: Annotated[float, Meta(ge=0, le=1, description="share of the effect: 0 none, 1 full")] = 1.0


class Sepia(Filter[SepiaParams]):
    """Tone in brown; gray images become coloured ones."""

    name = "sepia"
    help = "Brown tone of old photographs, like CSS sepia(amount)"
    Params = SepiaParams

    def apply(self, pixels: Pixels, params: SepiaParams, place: Place) -> Pixels:
        """Weigh R, G and B for each of the three that come out; alpha stays."""
        import cv2
        import numpy as np

        weights = matrix(params.amount, pixels.shape[2])
        if pixels.dtype == np.uint8:
            return cv2.transform(pixels, weights)
        # On 16 bits OpenCV sums in float32, which cannot hold all digits.
        result = np.empty((*pixels.shape[:2], len(weights)), np.uint16)
        for block in blocks(pixels):
            result[block] = np.clip(np.rint(cv2.transform(pixels[block].astype(np.float64), weights)), 0, 65535)
        return result

    def out_mode(self, mode: Mode) -> Mode:
        """Give RGB or RGBA."""
        return "RGBA" if mode.endswith("A") else "RGB"

    def cost(self, params: SepiaParams, mode: Mode, depth: int) -> float:
        """Tell the one fast case, RGB of 8 bits, from the others."""
        return 11.0 if depth == 16 else 0.3 if mode == "RGB" else 3.0


def matrix(amount: float, channels: int) -> "NDArray[np.float64]":
    """Return the weights from L, LA, RGB or RGBA to RGB or RGBA, and an offset for each in the last column.

    Weights are whole 1024ths, so that sums are exact in fixed and floating point; the offset of half a 1024th leaves
    no ties, which the two would round differently: halves go up.
    """
    import numpy as np

    identity = np.eye(3)
    colours = np.floor((identity + (np.array(FULL) - identity) * amount) * ONE + 0.5) / ONE
    if channels < 3:
        colours = colours.sum(axis=1, keepdims=True)
    alpha = channels in (2, 4)
    result = np.zeros((3 + alpha, channels + 1))
    result[:3, : colours.shape[1]] = colours
    result[:3, -1] = 0.5 / ONE
    if alpha:
        result[3, -2] = 1
    return result
