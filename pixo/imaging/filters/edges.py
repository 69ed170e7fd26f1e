"""Edges."""

from typing import TYPE_CHECKING

from pixo.imaging.filters import Filter, Nothing, Pixels, Place
from pixo.imaging.filters.alpha import kept
from pixo.imaging.filters.kernels import passing_over
from pixo.imaging.plan import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Edges(Filter[Nothing]):
    """Give how steep each colour is."""

    name = "edges"
    help = (
        "Sobel gradient of each colour, 3x3: the sum of its horizontal and vertical magnitudes, clipped to full scale"
    )
    Params = Nothing

    def apply(self, pixels: Pixels, params: Nothing, place: Place) -> Pixels:
        """Add both gradients' magnitudes, in integers; alpha stays."""
        import cv2
        import numpy as np

        if pixels.dtype == np.uint8:
            across, down = (
                cv2.convertScaleAbs(cv2.Sobel(pixels, cv2.CV_16S, dx, 1 - dx, borderType=cv2.BORDER_REPLICATE))
                for dx in (1, 0)
            )
            return passing_over(kept(cv2.add(across, down), pixels), pixels, _steepness)
        # At most 4 * 65535 each: float32 holds them as the whole numbers that they are.
        across, down = (cv2.Sobel(pixels, cv2.CV_32F, dx, 1 - dx, borderType=cv2.BORDER_REPLICATE) for dx in (1, 0))
        np.abs(across, out=across)
        across += np.abs(down, out=down)
        result = np.minimum(across, 65535, out=across).astype(np.uint16)
        return passing_over(kept(result, pixels), pixels, _steepness)

    def radius(self, params: Nothing, depth: int) -> int:
        """Reach the neighbours."""
        return 1

    def cost(self, params: Nothing, mode: Mode, depth: int) -> float:
        """Run two 3x3 kernels."""
        return len(mode) * (3.5 if depth == 16 else 0.8)


def _steepness(around: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the same of the 3x3 pixels around each of some values."""
    import numpy as np

    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    across: NDArray[np.float64] = np.abs(around @ sobel.ravel())
    down: NDArray[np.float64] = np.abs(around @ sobel.T.ravel())
    return across + down
