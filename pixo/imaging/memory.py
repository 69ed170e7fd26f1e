"""What a tile takes a worker, in bytes: its decoder, the rows that it is made of, and what filters make of them."""

from pixo.imaging.chain import Chain
from pixo.imaging.plan import Engine, Mode
from pixo.imaging.probe import Header

# Measured with libvips 8.18 on one thread: so many rows, however wide, lie between its decoder and a reader, and some
# strips of a TIFF.
ROWS, ROWS_TIFF = 300, 700
AHEAD = 8 << 20
"""Bytes that a stream decodes ahead of its reader: most of the next tile, while one is filtered and encoded."""
HELD = {"avif": 16, "webp": 9, "jpeg": 7, "gif": 6}
"""Bytes a pixel that decoding at once takes; other formats hold little more than their samples."""
HELD_CMYK = 10
"""Of a JPEG: its coefficients are of four components."""
TIMES = 3
"""A filter takes its result and what it makes in between: so many bytes for one that goes in, at most, where windows
pass in strips. One that passes in one piece, of up to 24 MB, may take 115 MB more than is counted."""
WEIGHING = 14
"""Bytes a pixel that it takes beside its result where colours are weighted by alpha: planes of 16 and of 32 bits."""


def reader(header: Header, engine: Engine, mode: Mode) -> int:
    """Return about what a reader holds, its window aside."""
    return decoder(header, engine, mode) + (AHEAD if engine == "stream" else 0)


def decoder(header: Header, engine: Engine, mode: Mode) -> int:
    """Return about what a decoder holds."""
    if engine == "luma":
        return header.pixels
    if engine == "map":
        return 0
    rows = ROWS_TIFF if header.format == "tiff" else ROWS
    return max(header.held, min(header.height, rows) * header.width * _pixel(mode, header.depth))


def whole(header: Header) -> int:
    """Return the bytes that decoding the image at once takes: measured with libvips 8.18 for 24 megapixels."""
    if header.cmyk:
        return header.pixels * HELD_CMYK
    return header.pixels * HELD.get(header.format, _pixel(header.mode, header.depth) + 1)


def window(header: Header, mode: Mode) -> int:
    """Return the bytes of each row of a reader's window, which stays for the next tile."""
    return header.width * _pixel(mode, header.depth)


def row(header: Header, chain: Chain, mode: Mode) -> int:
    """Return about what each row of a reader's window takes until the tile is encoded, the row itself included."""
    first = window(header, mode)
    most = beside = 0
    for step in chain.steps:
        alpha, taken = mode.endswith("A"), _pixel(mode, header.depth)
        mode = step.filter.out_mode(mode)
        given = _pixel(mode, header.depth)
        most = max(most, beside + (taken + WEIGHING if alpha else max(TIMES * taken, given)))
        # What the first filter takes is the window; what a later one takes lies beside it.
        beside = given
    return first + header.width * most


def _pixel(mode: Mode, depth: int) -> int:
    return len(mode) * depth // 8
