"""How high tiles are."""

from math import ceil

# A tile's pixels, before its halo, take at most this many bytes, unless its halo alone asks for more.
TILE_BYTES = 16 << 20
# A JPEG's restart interval, one a tile, counts its MCUs in 16 bits. The smallest MCU is 8 by 8.
MAX_MCUS = 65_535
MCU = 8


def tile_rows(width: int, height: int, *, row_bytes: int, step: int, halo: int, area: int) -> int:
    """Give the height of all tiles but the last: a multiple of ``step``, also where the image is lower.

    At least ``area`` pixels and four times the halo; but at most what memory and JPEG's restart intervals allow,
    where that is not less than the halo asks for.
    """
    wanted = _up(ceil(area / width), step)
    least = _up(max(4 * halo, 1), step)
    memory = max(least, _down(TILE_BYTES // row_bytes, step))
    mcus = max(step, _down(MAX_MCUS // ceil(width / MCU) * MCU, step))
    return min(max(wanted, least), memory, mcus, _up(height, step))


def _up(rows: int, step: int) -> int:
    return -(-rows // step) * step


def _down(rows: int, step: int) -> int:
    return rows // step * step
