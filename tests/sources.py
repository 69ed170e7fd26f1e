"""Source files for tests, made from pixels by encoders that are not Pixo's own."""

import io

import numpy as np
import pyvips
from PIL import Image

INTERPRETATIONS = {8: ("b-w", "srgb"), 16: ("grey16", "rgb16")}


def vips(pixels):
    """Give pixels (h, w, c) as a libvips image that knows its colours."""
    gray, colour = INTERPRETATIONS[pixels.itemsize * 8]
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    return image.copy(interpretation=gray if pixels.shape[2] < 3 else colour)


def png(pixels, **options):
    """Give a PNG file of the pixels."""
    return vips(pixels).pngsave_buffer(compression=1, **options)


def tiff(pixels, **options):
    """Give a TIFF file of the pixels."""
    return vips(pixels).tiffsave_buffer(**options)


def webp(pixels, **options):
    """Give a lossless WebP file of the pixels."""
    return vips(pixels).webpsave_buffer(lossless=True, **options)


def avif(pixels, **options):
    """Give an AVIF of the pixels."""
    return vips(pixels).heifsave_buffer(compression="av1", effort=0, **options)


def jpeg(pixels, *, progressive=False, **options):
    """Give a JPEG file of pixels with 1, 3 or 4 (CMYK) channels, by Pillow; a progressive one of 1 or 3 by libvips."""
    if progressive:
        # Pillow's buffer is too small for some small noisy ones.
        return vips(pixels).jpegsave_buffer(Q=90, interlace=True)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[pixels.shape[2]]
    height, width = pixels.shape[:2]
    out = io.BytesIO()
    Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes()).save(
        out, "jpeg", **{"quality": 90, **options}
    )
    return out.getvalue()


def decoded(data):
    """Give the pixels (h, w, c) of a file, by libvips, whole."""
    image = pyvips.Image.new_from_buffer(data, "", fail_on="warning")
    array = image.numpy()
    return array.reshape(image.height, image.width, image.bands)
