"""How high tiles are."""

from math import ceil, lcm

from pixo.imaging.costs import FULL_COLOUR_QUALITY
from pixo.imaging.plan import Mode, Output

# A tile's pixels, before its halo, take at most this many bytes, unless its halo alone asks for more.
TILE_BYTES = 16 << 20
# A JPEG's restart interval, one a tile, counts its MCUs in 16 bits.
MAX_MCUS = 65_535
# All heights are multiples of this, the largest MCU's height.
STEP = 16


def tile_rows(
    width: int, height: int, *, row_bytes: int, align: int, halo: int, area: int, most: int | None, reach: int
) -> int:
    """Return the height of all tiles but the last: a multiple of 16, also where the image is lower.

    At least ``area`` pixels and four times the halo; but at most what memory allows, where that is not less than
    the halo asks for, and, where there are several tiles, ``most`` rows. A multiple of ``align`` too, so that no
    cell of rows is worked on twice, unless that is more than ``most``. A tile that would reach over more rows than
    ``reach``, with its halo, is as low as it must be, down to half of the halo: five rows are worked on for one then.
    """
    step = lcm(STEP, align)
    fits = height <= reach
    if (_lowest(halo, step) + 2 * halo > reach and not fits) or (most is not None and step > most):
        step = STEP
    wanted = _up(ceil(area / width), step)
    least = _up(max(4 * halo, 1), step)
    memory = max(least, _down(TILE_BYTES // row_bytes, step))
    rows = min(max(wanted, least), memory, _up(height, step))
    around = _around(step, align, halo)
    if rows + around > reach and not fits:
        rows = min(rows, max(_lowest(halo, step), _down(reach - around, step)))
    # An image that is one tile needs no restart interval.
    return rows if most is None or rows >= height else min(rows, _down(most, step))


def reached(rows: int, height: int, *, align: int, halo: int) -> int:
    """Return over how many rows of an image a tile of so many reaches at most, with its halo and its cells' borders."""
    return min(height, rows + _around(rows, align, halo))


def restart_rows(width: int, mode: Mode, output: Output) -> int | None:
    """Return the most rows of a tile that is one restart interval of a JPEG; None for other formats."""
    if output.format != "jpeg":
        return None
    mcu = 8 if mode == "L" or output.quality >= FULL_COLOUR_QUALITY else 16
    return MAX_MCUS // ceil(width / mcu) * mcu


def _lowest(halo: int, step: int) -> int:
    return _up(max(halo // 2, 1), step)


def _around(rows: int, align: int, halo: int) -> int:
    """Return the rows around a tile that it is made of as well; one that begins within a cell needs all of the cell."""
    return 2 * halo + (2 * (align - 1) if rows % align else 0)


def _up(rows: int, step: int) -> int:
    return -(-rows // step) * step


def _down(rows: int, step: int) -> int:
    return rows // step * step
