"""PNG segments to one PNG, without inflating: the workers' chunks as they are, between a head and a checksum."""

import struct
import zlib
from collections.abc import Callable, Iterable

from pixo.errors import BadPiece
from pixo.imaging import segment
from pixo.imaging.exif import PREFIX
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Plan

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_MODULUS = 65_521


def join(plan: Plan, metadata: Metadata, pieces: Iterable[bytes], write: Callable[[bytes], object]) -> None:
    """Write the PNG file of the segments, one after the other; ``metadata`` goes in as it is.

    Raises BadPiece for a segment that is cut off, has a wrong checksum or another size than the plan says, and for
    one too few or too many.
    """
    write(_head(plan, metadata))
    line = 1 + plan.width * len(plan.out_mode) * plan.depth // 8
    adler, count = 1, 0
    for tile, piece in enumerate(pieces):
        if tile >= plan.tiles:
            raise BadPiece(tile, f"the image has {plan.tiles} tiles only")
        try:
            part = segment.unpack(piece)
        except ValueError as error:
            raise BadPiece(tile, str(error)) from error
        top, bottom = plan.box(tile)
        if part.length != line * (bottom - top):
            raise BadPiece(tile, "the segment's size is not the plan's")
        write(bytes(part.chunks))
        adler = combine(adler, part.adler, part.length)
        count += 1
    if count < plan.tiles:
        raise BadPiece(count, "the segment is missing")
    # An empty final block ends the deflate stream that all segments make together.
    write(segment.chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", adler)) + segment.chunk(b"IEND", b""))


def combine(first: int, second: int, length: int) -> int:
    """Return the Adler-32 of two runs of bytes, one after the other, from theirs and the second one's length."""
    rest = length % _MODULUS
    a1, b1, a2, b2 = first & 0xFFFF, first >> 16, second & 0xFFFF, second >> 16
    low = (a1 + a2 - 1) % _MODULUS
    high = (rest * a1 + b1 + b2 - rest) % _MODULUS
    return high << 16 | low


def _head(plan: Plan, metadata: Metadata) -> bytes:
    """Make all that stands before the first segment: signature, header, metadata, head of the zlib stream."""
    chunk = segment.chunk
    header = struct.pack(">IIBBBBB", plan.width, plan.height, plan.depth, _COLOURS[plan.out_mode], 0, 0, 0)
    out = [SIGNATURE, chunk(b"IHDR", header), *(chunk(*note) for note in metadata.notes.colours)]
    if metadata.icc is not None:
        out.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.density is not None:
        across, down = (min(2**31 - 1, round(1000 * d)) for d in metadata.density)
        out.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif is not None:
        out.append(chunk(b"eXIf", metadata.exif.removeprefix(PREFIX)))
    if metadata.xmp is not None:
        out.append(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp))
    out += [chunk(*note) for note in metadata.notes.texts]
    out.append(chunk(b"IDAT", b"\x78\x01"))
    return b"".join(out)
