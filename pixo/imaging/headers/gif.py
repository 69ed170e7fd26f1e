"""The header of a GIF: size, transparency and number of frames."""

from typing import BinaryIO, NamedTuple

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B
GRAPHIC_CONTROL = 0xF9
# Counting ends here: what has more frames than this is refused all the same, and a header read stays quick.
MOST_BLOCKS = 1_000_000
"""Blocks of a frame, of 255 bytes in a file that nobody made to keep others busy."""
MOST_FRAMES = 1000


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
            _skip_blocks(file)
        elif kind == bytes([EXTENSION]):
            transparent = _extension(file) or transparent
        else:
            break
    if not frames:
        raise ValueError("it has no frame")
    if not width or not height:
        raise ValueError(f"it has {width} x {height} pixels")
    return Gif(width, height, transparent, frames)


def _extension(file: BinaryIO) -> bool:
    """Pass an extension; tell whether it declares a transparent colour."""
    head = file.read(3)
    if len(head) < 3 or not head[1]:
        return False
    file.seek(head[1] - 1, 1)
    _skip_blocks(file)
    return head[0] == GRAPHIC_CONTROL and bool(head[2] & 1)


def _skip_table(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_blocks(file: BinaryIO) -> None:
    for _ in range(MOST_BLOCKS):
        size = file.read(1)
        if size in (b"", b"\0"):
            return
        file.seek(size[0], 1)
    raise ValueError(f"one of its frames has more than {MOST_BLOCKS} blocks")
