"""Invert."""

from pixo.imaging.filters import Filter, Nothing, Pixels, Place
from pixo.imaging.filters.alpha import kept
from pixo.imaging.plan import Mode


class Invert(Filter[Nothing]):
    """Turn each colour value into full scale minus it."""

    name = "invert"
    help = "The negative: full scale minus each colour value, like CSS invert(1)"
    Params = Nothing

    def apply(self, pixels: Pixels, params: Nothing, place: Place) -> Pixels:
        """Flip all bits but alpha's."""
        import cv2

        return kept(cv2.bitwise_not(pixels), pixels)

    def cost(self, params: Nothing, mode: Mode, depth: int) -> float:
        """Run at memory speed."""
        return 0.1 * len(mode)
