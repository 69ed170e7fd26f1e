"""Two images held against each other, pixel by pixel, in bounded memory."""

from contextlib import closing
from pathlib import Path

import pyvips

from pixo.errors import BadImage
from pixo.imaging.libvips import open_image, reason


def difference(one: Path, other: Path, form: str) -> float | None:
    """Return the largest difference of a sample, 0 for equal pixels; None for images of different shape or depth.

    Raises BadImage for one that cannot be decoded.
    """
    try:
        with closing(open_image(one, form)) as first, closing(open_image(other, form)) as second:
            if _shape(first.image) != _shape(second.image):
                return None
            return float((first.image - second.image).abs().max())
    except pyvips.Error as error:
        raise BadImage(f"one of the images cannot be decoded: {reason(error)}") from error


def _shape(image: pyvips.Image) -> tuple[int, int, int, str]:
    return image.width, image.height, image.bands, image.format
