"""What a job's parts cost, in milliseconds per megapixel on one core; only their ratios matter much.

Measured on real photographs, one thread; another machine shifts all of them alike.
"""

from typing import NamedTuple

from pixo.imaging.chain import Chain
from pixo.imaging.plan import Engine, Mode, Output
from pixo.imaging.probe import Header

LUMA = 3.4
# By channels, for 8 bits; 16 bits cost twice as much in PNG and TIFF.
STREAM = {
    "jpeg": {"L": 4.2, "LA": 5.5, "RGB": 5.5, "RGBA": 5.5},
    "png": {"L": 5.5, "LA": 11.0, "RGB": 15.5, "RGBA": 20.0},
    "tiff": {"L": 3.0, "LA": 5.0, "RGB": 8.0, "RGBA": 10.0},
}
CMYK = 45.0
WHOLE = {"jpeg": 18.0, "png": 25.0, "webp": 20.0, "gif": 10.0, "avif": 50.0}
PASS_OVER = 0.97
ENCODE_JPEG = {"L": 2.1, "420": 3.1, "444": 4.8}
ENCODE_PNG = {"L": 4.5, "LA": 11.0, "RGB": 13.0, "RGBA": 17.0}
FULL_COLOUR_QUALITY = 90


class Work(NamedTuple):
    """What a megapixel costs in all, and the share of it that is paid for passing over one."""

    total: float
    skip: float


def estimate(
    header: Header, chain: Chain, engine: Engine, mode: Mode, out_mode: Mode, output: Output, rows: int
) -> Work:
    """Estimate a job's work; ``rows`` is the height of its tiles, which their halo adds to."""
    deep = header.depth // 8
    decoding = _decoding(header, engine, mode) * (1 if header.format == "jpeg" else deep)
    halo = 1 + 2 * chain.halo(header.depth) / rows
    rest = chain.cost(mode, header.depth) * halo + _encoding(output, out_mode) * deep
    total = decoding + rest
    if engine == "map":
        # A lane decodes all, wherever it begins: that pays only where decoding is the smaller part.
        return Work(total, 0.0 if decoding < rest else 1.0)
    # libjpeg and inflate read what lies above; only handing it over is saved.
    return Work(total, (decoding if engine == "luma" else decoding * PASS_OVER) / total)


def _decoding(header: Header, engine: Engine, mode: Mode) -> float:
    if engine == "luma":
        return LUMA
    if engine == "map":
        return WHOLE[header.format]
    return STREAM[header.format][mode] + (CMYK if header.cmyk else 0.0)


def _encoding(output: Output, mode: Mode) -> float:
    if output.format != "jpeg":
        return ENCODE_PNG[mode]
    if mode == "L":
        return ENCODE_JPEG["L"]
    return ENCODE_JPEG["444" if output.quality >= FULL_COLOUR_QUALITY else "420"]
