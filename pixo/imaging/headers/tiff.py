"""How a TIFF's pixels are cut into strips or tiles, each of which its decoder holds as a whole."""

from collections.abc import Mapping
from typing import BinaryIO, Literal, NamedTuple

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANES = 256, 257, 258, 259, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT = 322, 323
NONE, JPEG, WEBP = 1, 7, 50001
SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
"""Bytes of the integer types of TIFF: BYTE, SHORT, LONG, LONG8."""
MOST_TAGS, MOST_STRIPS = 4096, 1 << 20


class Layout(NamedTuple):
    """What is in memory at once of a TIFF that is decoded from top to bottom."""

    held: int
    """Bytes of a row of tiles, or of a strip where the decoder wants the whole of it; measured with libvips 8.18."""
    packed: int
    """Bytes of the largest strip as it is in the file, where it is compressed; 0 where none is."""


def read_layout(file: BinaryIO) -> Layout:
    """Read the first directory of a TIFF; raise ValueError if it is broken."""
    file.seek(0)
    head = file.read(16)
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    big = head[2:4] in (b"+\0", b"\0+")
    tags = _Tags(file, order, big=big)

    width, height = tags.first(WIDTH, 0), tags.first(HEIGHT, 0)
    rows = min(height, tags.first(ROWS_PER_STRIP, height) or height)
    compression = tags.first(COMPRESSION, NONE)
    row = width * tags.first(SAMPLES, 1) * -(-tags.first(BITS, 1) // 8)
    if TILE_WIDTH in tags.places:
        across, down = tags.first(TILE_WIDTH, 1) or 1, tags.first(TILE_HEIGHT, 1)
        pixel = row // width if width else 1
        return Layout((-(-width // across) + 1) * across * down * pixel, 0)
    if compression == JPEG:
        return Layout(rows * row * 2 + rows * row // 8, 0)
    if compression == NONE and tags.first(PLANES, 1) == 1:
        return Layout(0, 0)
    packed = max(tags.all(STRIP_BYTES), default=0) if compression != NONE else 0
    whole = compression == WEBP or tags.first(PLANES, 1) != 1
    return Layout(2 * packed + (rows * row if whole else 0), packed)


class _Tags:
    """The integer tags of a directory, read when they are asked for."""

    def __init__(self, file: BinaryIO, order: Literal["little", "big"], *, big: bool) -> None:
        self._file = file
        self._order = order
        self._inline = 8 if big else 4
        file.seek(8 if big else 4)
        file.seek(self._number(self._inline))
        count = self._number(8 if big else 2)
        if count > MOST_TAGS:
            raise ValueError(f"its directory has more than {MOST_TAGS} tags")
        size = 20 if big else 12
        entries = file.read(size * count)
        if len(entries) < size * count:
            raise ValueError("it ends within its directory")
        self.places: Mapping[int, bytes] = {
            self._decode(entries[at : at + 2]): entries[at + 2 : at + size] for at in range(0, len(entries), size)
        }

    def first(self, tag: int, default: int) -> int:
        """Give a tag's first value."""
        return next(iter(self.all(tag, 1)), default)

    def all(self, tag: int, most: int = MOST_STRIPS) -> list[int]:
        """Give a tag's values, the first ``most`` of them."""
        entry = self.places.get(tag)
        size = SIZES.get(self._decode(entry[:2]), 0) if entry else 0
        if not entry or not size:
            return []
        count, value = self._decode(entry[2 : 2 + self._inline]), entry[2 + self._inline :]
        if count * size > self._inline:
            self._file.seek(self._decode(value))
            value = self._file.read(size * min(count, most))
        return [
            self._decode(value[at : at + size]) for at in range(0, size * min(count, most, len(value) // size), size)
        ]

    def _number(self, size: int) -> int:
        return self._decode(self._file.read(size))

    def _decode(self, data: bytes) -> int:
        return int.from_bytes(data, self._order)
