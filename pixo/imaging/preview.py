"""A small picture of a large one, to be looked at."""

from pathlib import Path
from typing import Any, BinaryIO

import pyvips

from pixo.errors import BadImage, Refusal
from pixo.imaging import libvips, memory
from pixo.imaging.probe import Header, probe

MOST = 128_000_000
"""Bytes that a decoder may hold: who looks at an image shares the memory of those who upload. With what it takes to
make the image small, that is 270 MB at most, measured with libvips 8.18."""
QUALITY = 80


def preview(source: Path | BinaryIO, size: int) -> bytes:
    """Return a JPEG of at most ``size`` pixels a side: sRGB, upright, flattened on white, with nothing but its pixels.

    The image is decoded once, from top to bottom; a smaller one keeps its size. Raises Refusal("no-preview") for one
    whose decoder would hold more than ``MOST`` bytes, those of ``probe``, and BadImage.
    """
    header = probe(source)
    shrink = _shrink(header, size)
    held = memory.decoder(header, "stream", header.mode) // shrink if header.streams else memory.whole(header)
    if held > MOST:
        raise Refusal(
            "no-preview",
            f"A preview of this {header.format.upper()} would need a decoder that holds {held:,} bytes.",
            measured=held,
            limit=MOST,
        )
    if not isinstance(source, Path):
        source.seek(0)
    opened = None
    try:
        opened = libvips.open_image(source, header.format, shrink=shrink)
        small = _smaller(opened.image, size).thumbnail_image(size, height=size, size="down", export_profile="srgb")
        found: bytes = small.jpegsave_buffer(Q=QUALITY, background=255, keep="none")
    except pyvips.Error as failure:
        error = opened.explain(failure) if opened is not None else failure
        if error is not failure:
            raise error from failure
        raise BadImage(f"The {header.format.upper()} cannot be decoded: {libvips.reason(failure)}.") from failure
    finally:
        if opened is not None:
            opened.close()
    return found


def _shrink(header: Header, size: int) -> int:
    """Return by what libjpeg makes a JPEG smaller while it decodes; what is left is at least twice the size."""
    times = _times(header.width, header.height, size) if header.format == "jpeg" else 1
    return next((shrink for shrink in (8, 4, 2) if times >= shrink), 1)


def _smaller(image: Any, size: int) -> Any:
    """Make what is much too large smaller by a whole number, in bands of few rows.

    What ``thumbnail_image`` does to large images holds a thousand of their rows, beside those of the decoder.
    """
    times = _times(image.width, image.height, size)
    if times < 2:
        return image
    if not image.hasalpha():
        return image.shrinkh(times).shrinkv(times)
    less = image.premultiply().shrinkh(times).shrinkv(times).unpremultiply()
    return less.cast(image.format).copy(interpretation=image.interpretation)


def _times(width: int, height: int, size: int) -> int:
    """Return by what an image can be divided so that at least twice the size is left, and of no side nothing."""
    return min(max(width, height) // (2 * size), width, height)
