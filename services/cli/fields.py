"""The options that say what is to be done with an image, the same for `submit`, `demo` and `apply`."""

import argparse
import re

from pixo.errors import ConfigError

FORMATS = ("keep", "jpeg", "png", "webp", "tiff")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--filters", default="grayscale", metavar="CHAIN", help="such as blur:sigma=4,grayscale")
    parser.add_argument(
        "--format", choices=FORMATS, help="of the result (default: by the suffix of -o, else the source's)"
    )
    parser.add_argument(
        "--quality",
        type=int,
        metavar="1-100",
        help="of JPEG and WebP (default 85; without one, a lossless WebP stays lossless)",
    )
    parser.add_argument("--metadata", choices=("keep", "strip"), help="EXIF, XMP, IPTC, resolution (default keep)")
    parser.add_argument(
        "--background", metavar="#RRGGBB", help="laid under transparent pixels if the format has no transparency"
    )


def given_fields(given: argparse.Namespace) -> dict[str, str]:
    """Return those that were said, by the API's names; raise ConfigError for one that no server would take."""
    if given.quality is not None and not 1 <= given.quality <= 100:
        raise ConfigError(f"--quality {given.quality}: must be a whole number from 1 to 100")
    if given.background is not None and not re.fullmatch("#[0-9a-fA-F]{6}", given.background):
        raise ConfigError(f"--background {given.background}: must be a colour like #ffffff")
    names = ("filters", "format", "quality", "metadata", "background", "tile_size", "priority")
    values = {name: getattr(given, name, None) for name in names}
    return {name: str(value) for name, value in values.items() if value is not None}
