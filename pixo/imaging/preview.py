"""A small picture of a large one, to be looked at."""

from pathlib import Path
from typing import BinaryIO

import pyvips

from pixo.errors import BadImage, Refusal
from pixo.imaging import libvips, memory
from pixo.imaging.probe import Header, probe

MOST = 160_000_000
"""Bytes that a decoder may hold: who looks at an image shares the memory of those who upload."""
QUALITY = 80


def preview(source: Path | BinaryIO, size: int) -> bytes:
    """Give a JPEG of at most ``size`` pixels a side: sRGB, upright, flattened on white, with nothing but its pixels.

    The image is decoded once, from top to bottom; a smaller one keeps its size. Raises Refusal("no-preview") for one
    whose decoder would hold more than ``MOST`` bytes, those of ``probe``, and BadImage.
    """
    header = probe(source)
    shrink = _shrink(header, size)
    held = memory.decoder(header, "stream", header.mode) // shrink if header.streams else memory.whole(header)
    if held > MOST:
        raise Refusal(
            "no-preview",
            f"To show this {header.format.upper()} small, {held:,} bytes would have to be decoded at once.",
            measured=held,
            limit=MOST,
        )
    if not isinstance(source, Path):
        source.seek(0)
    opened = libvips.open_image(source, header.format, shrink=shrink)
    try:
        small = opened.image.thumbnail_image(size, height=size, size="down", export_profile="srgb")
        found: bytes = small.jpegsave_buffer(Q=QUALITY, background=255, keep="none")
    except pyvips.Error as failure:
        error = opened.explain(failure)
        if error is not failure:
            raise error from failure
        raise BadImage(f"The {header.format.upper()} cannot be decoded: {libvips.reason(failure)}.") from failure
    finally:
        opened.close()
    return found


def _shrink(header: Header, size: int) -> int:
    """Give by what libjpeg makes a JPEG smaller while it decodes; what is left is at least half of it."""
    if header.format != "jpeg":
        return 1
    times = max(header.width, header.height) // size
    return next((shrink for shrink in (8, 4, 2) if times >= 2 * shrink), 1)
