"""The header of a GIF: size, transparency and number of frames."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

IMAGE, EXTENSION = 0x2C, 0x21
GRAPHIC_CONTROL = 0xF9
MOST_BLOCKS = 1_000_000
"""Data blocks of a whole file: usual ones have 255 bytes each, others are made to keep the reader busy."""
MOST_FRAMES = 1000
"""Counting ends here: what has more frames than this is refused all the same."""


class Gif(NamedTuple):
    """What a GIF says of itself."""

    width: int
    height: int
    transparent: bool
    frames: int


def read_gif(file: BinaryIO) -> Gif:
    """Walk a GIF's blocks without decoding them; raise ValueError if the first frame is not there, or is empty.

    A first frame that passes the edges of the screen makes it larger, as in all decoders.
    """
    file.seek(6)
    screen = file.read(7)
    if len(screen) < 7:
        raise ValueError("it ends within its header")
    width, height = int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:4], "little")
    _skip_table(file, screen[4])
    transparent, frames = False, 0
    allowance = iter(range(MOST_BLOCKS))
    while frames < MOST_FRAMES:
        kind = file.read(1)
        if kind == bytes([IMAGE]):
            box = file.read(9)
            if len(box) < 9:
                break
            frames += 1
            if frames == 1:
                left, top, across, down = (int.from_bytes(box[at : at + 2], "little") for at in (0, 2, 4, 6))
                width, height = max(width, left + across), max(height, top + down)
                # One smaller than the screen leaves the rest of it clear.
                transparent = transparent or (across, down) != (width, height)
            _skip_table(file, box[8])
            file.seek(1, 1)
            _skip_blocks(file, allowance)
        elif kind == bytes([EXTENSION]):
            transparent = _extension(file, allowance) or transparent
        else:
            break
    if not frames:
        raise ValueError("it has no frame")
    if not width or not height:
        raise ValueError(f"it has {width} x {height} pixels")
    return Gif(width, height, transparent, frames)


def _extension(file: BinaryIO, allowance: Iterator[int]) -> bool:
    """Pass an extension; return whether it declares a transparent colour."""
    label = file.read(1)
    at = file.tell()
    first = file.read(2)  # of its first block, which may be the end: the length, and of a graphic control the flags
    file.seek(at)
    _skip_blocks(file, allowance)
    return label == bytes([GRAPHIC_CONTROL]) and len(first) == 2 and first[0] > 0 and bool(first[1] & 1)


def _skip_table(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_blocks(file: BinaryIO, allowance: Iterator[int]) -> None:
    """Pass the data blocks up to their end, each on the allowance; raise ValueError when it is used up."""
    for _ in allowance:
        size = file.read(1)
        if size in (b"", b"\0"):
            return
        file.seek(size[0], 1)
    raise ValueError(f"it has more than {MOST_BLOCKS} blocks")
