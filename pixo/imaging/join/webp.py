"""The metadata of a WebP, around the pixels that libvips has encoded.

libvips would write EXIF of its own, with a resolution that nobody gave, and drop what it does not know of the source's.
A WebP is RIFF: chunks of a name, a length and contents filled up to an even length. One with metadata begins with a
chunk that announces it (VP8X), the profile comes before the pixels, and EXIF and XMP come after them.
"""

import os
import struct
from typing import BinaryIO

from pixo.imaging.exif import PREFIX
from pixo.imaging.headers.webp import read_webp
from pixo.imaging.metadata import Metadata

_RIFF = 12
_VP8X = 18
_PROFILE, _ALPHA, _EXIF, _XMP = 0x20, 0x10, 0x08, 0x04


def around(file: BinaryIO, metadata: Metadata) -> tuple[bytes, bytes]:
    """Return what stands before and after the pixels of a plain WebP; leaves the file where those begin."""
    image = read_webp(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(_RIFF)
    # An encoder announces alpha this way too; what it announces is told anew.
    start = _RIFF + _VP8X if file.read(4) == b"VP8X" else _RIFF
    flags = _ALPHA if image.alpha else 0
    before = after = b""
    if metadata.icc is not None:
        flags |= _PROFILE
        before = _chunk(b"ICCP", metadata.icc)
    if metadata.exif is not None:
        flags |= _EXIF
        after = _chunk(b"EXIF", metadata.exif.removeprefix(PREFIX))
    if metadata.xmp is not None:
        flags |= _XMP
        after += _chunk(b"XMP ", metadata.xmp)
    if before or after or start > _RIFF:
        sides = (side - 1 for side in (image.width, image.height))
        before = (
            _chunk(b"VP8X", struct.pack("<I", flags) + b"".join(side.to_bytes(3, "little") for side in sides)) + before
        )
    file.seek(start)
    whole = 4 + len(before) + size - start + len(after)
    return b"RIFF" + struct.pack("<I", whole) + b"WEBP" + before, after


def _chunk(name: bytes, contents: bytes) -> bytes:
    return name + struct.pack("<I", len(contents)) + contents + bytes(len(contents) % 2)
