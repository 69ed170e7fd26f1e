"""Grayscale."""

from pixo.imaging.filters import Filter, Nothing, Pixels, Place
from pixo.imaging.filters.luma import gray_mode, luma, with_alpha
from pixo.imaging.plan import Mode


class Grayscale(Filter[Nothing]):
    """Keep only luma: L from RGB, LA from RGBA; L and LA stay as they are."""

    name = "grayscale"
    help = "Gray by ITU-R BT.601 luma (0.299 R + 0.587 G + 0.114 B), as in a JPEG's Y plane"
    luma = True
    Params = Nothing

    def apply(self, pixels: Pixels, params: Nothing, place: Place) -> Pixels:
        """Give luma, and alpha if there is."""
        return pixels if pixels.shape[2] < 3 else with_alpha(luma(pixels), pixels)

    def out_mode(self, mode: Mode) -> Mode:
        """Give L or LA."""
        return gray_mode(mode)

    def cost(self, params: Nothing, mode: Mode, depth: int) -> float:
        """Cost nothing on gray."""
        return 0.0 if len(mode) < 3 else 0.5
