"""Threshold."""

from typing import Annotated

from msgspec import Meta, Struct

from pixo.imaging.filters import Filter, Pixels, Place
from pixo.imaging.filters.luma import gray_mode, luma, with_alpha
from pixo.imaging.plan import Mode


class ThresholdParams(Struct, frozen=True, kw_only=True):
    """Where black ends."""

    level: Annotated[int, Meta(ge=1, le=255, description="lowest luma that becomes white, in 8-bit levels")] = 128


class Threshold(Filter[ThresholdParams]):
    """Give black and white by luma."""

    name = "threshold"
    help = "White where ITU-R BT.601 luma reaches the level, else black; the result is gray"
    luma = True
    Params = ThresholdParams

    def apply(self, pixels: Pixels, params: ThresholdParams, place: Place) -> Pixels:
        """Compare luma; alpha stays."""
        import cv2
        import numpy as np

        full = int(np.iinfo(pixels.dtype).max)
        level = params.level * (full // 255)
        gray = np.ascontiguousarray(luma(pixels))
        _, result = cv2.threshold(gray, level - 1, full, cv2.THRESH_BINARY)  # white is what lies above
        return with_alpha(result.reshape(gray.shape), pixels)

    def out_mode(self, mode: Mode) -> Mode:
        """Give L or LA."""
        return gray_mode(mode)

    def cost(self, params: ThresholdParams, mode: Mode, depth: int) -> float:
        """Add a comparison to luma."""
        return 0.1 if len(mode) < 3 else 0.7
