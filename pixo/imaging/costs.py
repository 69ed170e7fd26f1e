"""What a job's parts cost, in milliseconds per megapixel on one core; only their ratios matter much.

Measured on real photographs, one thread; another machine shifts all of them alike.
"""

from typing import NamedTuple

from pixo.imaging.chain import Chain
from pixo.imaging.plan import Engine, Mode, Output
from pixo.imaging.probe import Header

LUMA = 3.1
# By channels, for 8 bits; 16 bits cost twice as much in PNG and TIFF.
STREAM = {
    "jpeg": {"L": 4.0, "LA": 5.0, "RGB": 5.0, "RGBA": 5.0},
    "png": {"L": 6.0, "LA": 12.0, "RGB": 16.5, "RGBA": 22.0},
    "tiff": {"L": 2.0, "LA": 3.0, "RGB": 4.0, "RGBA": 5.0},
}
CMYK = 40.0
WHOLE = {"jpeg": 14.0, "png": 25.0, "webp": 12.0, "gif": 10.0, "avif": 30.0}
PASS_OVER = 0.95
ENCODE_JPEG = {"L": 2.4, "420": 3.9, "444": 5.8}
ENCODE_PNG = {"L": 4.4, "LA": 8.0, "RGB": 12.0, "RGBA": 16.0}
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
