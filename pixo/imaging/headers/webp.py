"""The header of a WebP: what it says of its pixels, and its orientation; libvips would read the whole file for it."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from pixo.imaging import exif

ALPHA, EXIF, ANIMATION = 0x10, 0x08, 0x02
MOST_CHUNKS = 10_000
MOST_HELD = 16 << 20
"""Bytes of profile, EXIF and XMP, of which libvips and who joins hold several copies."""


class WebP(NamedTuple):
    """What a WebP says of itself."""

    width: int
    height: int
    alpha: bool
    frames: int
    orientation: int
    lossless: bool
    """Whether its only frame is; of an animation it is not told."""


def read_webp(file: BinaryIO) -> WebP:
    """Read a WebP's chunk headers; raise ValueError if they are broken."""
    chunks = _chunks(file)
    try:
        kind, size = next(chunks)
    except StopIteration:
        raise ValueError("it ends within its header") from None
    body = file.read(min(size, 10))
    if len(body) < 5:
        raise ValueError("it ends within its header")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return WebP((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1), 1, 1, lossless=True)
    if len(body) < 10:
        raise ValueError("it ends within its header")
    if kind == b"VP8 ":
        return WebP(*_lossy_size(body), alpha=False, frames=1, orientation=1, lossless=False)
    if kind != b"VP8X":
        raise ValueError("its first chunk is unknown")
    width, height = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
    frames, lossless = 0, False
    orientation: int | None = None
    for kind, size in chunks:
        frames += kind == b"ANMF"
        lossless = lossless or kind == b"VP8L"
        # As for libwebp the first one counts; looking into thousands of them would keep the reader busy, too.
        if orientation is None and kind == b"EXIF" and body[0] & (ANIMATION | EXIF):
            orientation = exif.orientation(file.read(min(size, 65536)))
    animated = bool(body[0] & ANIMATION)
    return WebP(width, height, bool(body[0] & ALPHA), frames if animated else 1, orientation or 1, lossless)


def _lossy_size(body: bytes) -> tuple[int, int]:
    width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    if not width or not height:
        raise ValueError(f"it has {width} x {height} pixels")
    return width, height


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Return each chunk's name and size, with the file standing at its contents; raise ValueError for too much."""
    at, room = 12, MOST_HELD
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        if head[:4] in (b"ICCP", b"EXIF", b"XMP "):
            room -= size
            if room < 0:
                raise ValueError(f"its profile, EXIF and XMP have more than {MOST_HELD:,} bytes")
        yield head[:4], size
        at += 8 + size + (size & 1)
    raise ValueError(f"it has more than {MOST_CHUNKS} chunks")
