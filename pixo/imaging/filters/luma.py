"""Luma by ITU-R BT.601, in integers: 0.299 R + 0.587 G + 0.114 B on 14 or 15 bits, what a JPEG's Y plane holds too."""

from pixo.imaging.filters import Pixels
from pixo.imaging.filters.alpha import present
from pixo.imaging.plan import Mode


def luma(pixels: Pixels) -> Pixels:
    """Return (h, w, 1): the luma of RGB and RGBA, the first channel of L and LA (a view)."""
    import cv2

    if pixels.shape[2] < 3:
        return pixels[..., :1]
    code = cv2.COLOR_RGBA2GRAY if present(pixels) else cv2.COLOR_RGB2GRAY
    return cv2.cvtColor(pixels, code)[..., None]


def with_alpha(gray: Pixels, source: Pixels) -> Pixels:
    """Give L or, if the source has alpha, LA."""
    import numpy as np

    return np.concatenate((gray, source[..., -1:]), axis=2) if present(source) else gray


def gray_mode(mode: Mode) -> Mode:
    """Return the mode without colour."""
    return "LA" if mode.endswith("A") else "L"
