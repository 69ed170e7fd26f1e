"""The first directory of a TIFF: how large its tiles or strips are, since libvips holds some whole, and its texts."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from pixo.imaging import exif

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES, TILE_WIDTH, TILE_HEIGHT = 277, 278, 279, 284, 322, 323
WANTED = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES, TILE_WIDTH, TILE_HEIGHT}
)
PLAIN, JPEG, YCBCR, SEPARATE = 1, 7, 6, 2
SIZES = exif.INTEGERS | {16: 8, 17: 8}
"""Bytes of a whole number, by its type; libtiff takes signed ones too."""
MOST_STRIPS = 1 << 20
MOST_ENTRIES = 4096
"""Entries of a directory that libtiff reads; it refuses more."""
MOST_OFFSET = 1 << 42
"""Beyond it no file is read: file systems end between 2**43 and 2**63, and asking for more is an error of theirs."""
# Measured with libvips 8.18 for 50 to 100 megapixels: of several rows of tiles three are held and of several strips
# three, of one strip two; one tile is there as it was read too, once decoded, and as coefficients if it is a
# progressive JPEG.
ROWS, STRIPS, TILES, TILES_JPEG = 3, 3, 2, 4


class Layout(NamedTuple):
    """How the pixels of a TIFF's first image lie in the file."""

    width: int
    height: int
    tile: tuple[int, int] | None
    """Width and height of a tile; None for strips."""
    strip: int
    """Rows of a strip."""
    whole: bool
    """Whether strips are decoded whole, for their planes or their colours are put together; others pass by rows."""
    jpeg: bool
    pixel: int
    """Bytes of a pixel as it is stored."""
    packed: int
    """Bytes of the largest strip as it is stored; 0 where it is read in parts, as libtiff does with a single one that
    is not compressed."""

    def held(self, pixel: int) -> int:
        """Return about the bytes of tiles or strips that libvips holds at once; ``pixel`` is a decoded pixel's."""
        pixel = max(pixel, self.pixel)
        if self.tile is not None:
            wide, high = self.tile
            row = -(-self.width // wide) * wide * high * pixel
            return min(ROWS, -(-self.height // high)) * row + wide * high * pixel * (TILES_JPEG if self.jpeg else TILES)
        if not self.whole:
            return 0
        return min(STRIPS, -(-self.height // self.strip) + 1) * self.strip * self.width * pixel


def read_layout(file: BinaryIO) -> Layout:
    """Read the first directory, of either byte order and of BigTIFF too; raise ValueError if it is not there."""
    tags = _tags(file)
    width, height = tags.get(WIDTH, 0), tags.get(HEIGHT, 0)
    tiled = TILE_WIDTH in tags or TILE_HEIGHT in tags
    tile = max(1, tags.get(TILE_WIDTH, width)), max(1, tags.get(TILE_HEIGHT, height))
    strip = max(1, min(height, tags.get(STRIP_ROWS) or height))
    parted = strip >= height and tags.get(COMPRESSION, PLAIN) == PLAIN and tags.get(PLANES) != SEPARATE
    return Layout(
        width=width,
        height=height,
        tile=tile if tiled else None,
        strip=strip,
        whole=tags.get(PLANES) == SEPARATE or tags.get(PHOTOMETRIC) == YCBCR,
        jpeg=tags.get(COMPRESSION) == JPEG,
        pixel=-(-tags.get(SAMPLES, 1) * tags.get(BITS, 1) // 8),
        packed=0 if tiled or parted else tags.get(STRIP_BYTES, 0),
    )


def read_texts(file: BinaryIO, wanted: Collection[int], most: int) -> dict[int, bytes]:
    """Return the texts with these tags, up to so many bytes each; leave out those that are longer or not there.

    Raises ValueError where the first directory is not there.
    """
    texts: dict[int, bytes] = {}
    for entry in _entries(file):
        if entry.tag in wanted and entry.tag not in texts and entry.kind == exif.ASCII and entry.values <= most:
            with suppress(ValueError):  # as decoders do, which pass over what they do not need
                texts[entry.tag] = entry.data(file, 1, entry.values)
    return texts


class _Entry(NamedTuple):
    """An entry of a directory."""

    tag: int
    kind: int
    values: int
    """How many."""
    field: bytes
    """The values, or where they are."""
    little: bool

    def data(self, file: BinaryIO, size: int, most: int) -> bytes:
        """Return the bytes of the first values, each of so many; raise ValueError if they are not there."""
        if self.values * size <= len(self.field):
            return self.field[: self.values * size]
        _seek(file, _number(self.field, little=self.little))
        return _read(file, size * min(self.values, most))


def _tags(file: BinaryIO) -> dict[int, int]:
    """Return the first number of each entry that has numbers; of entries with the same tag the first counts.

    Of the strips' bytes it is the largest number.
    """
    tags: dict[int, int] = {}
    for entry in _entries(file):
        if entry.tag not in WANTED or entry.tag in tags or entry.kind not in SIZES:
            continue
        size = SIZES[entry.kind]
        value = entry.data(file, size, MOST_STRIPS if entry.tag == STRIP_BYTES else 1)
        numbers = _numbers(value, size, little=entry.little)
        tags[entry.tag] = max(numbers, default=0) if entry.tag == STRIP_BYTES else next(numbers, 0)
    return tags


def _entries(file: BinaryIO) -> Iterator[_Entry]:
    """Give the entries of the first directory; raise ValueError if it is not there."""
    file.seek(0)
    head = _read(file, 8)
    little = head[:1] == b"I"
    big = _number(head[2:4], little=little) == 43
    word = 8 if big else 4
    _seek(file, _number(_read(file, 8) if big else head[4:], little=little))
    count = _number(_read(file, 8 if big else 2), little=little)
    if count > MOST_ENTRIES:
        raise ValueError(f"its directory has more than {MOST_ENTRIES} entries")
    size = 4 + 2 * word
    entries = _read(file, count * size)
    for at in range(0, len(entries), size):
        tag, kind = (_number(entries[i : i + 2], little=little) for i in (at, at + 2))
        values = _number(entries[at + 4 : at + 4 + word], little=little)
        yield _Entry(tag, kind, values, entries[at + 4 + word : at + size], little)


def _numbers(data: bytes, size: int, *, little: bool) -> Iterator[int]:
    return (_number(data[at : at + size], little=little) for at in range(0, len(data), size))


def _number(data: bytes, *, little: bool) -> int:
    return int.from_bytes(data, "little" if little else "big")


def _seek(file: BinaryIO, offset: int) -> None:
    if offset > MOST_OFFSET:
        raise ValueError("it points beyond its header and its end")
    file.seek(offset)


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise ValueError("it ends within its header")
    return data
