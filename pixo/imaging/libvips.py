"""The one door to libvips: set up once, only the loader that the content asks for, pixels in one of eight forms.

Imports no numpy, so that a process that reads headers only stays small.
"""

import re
from errno import EINVAL
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import pyvips

from pixo.errors import ConfigError
from pixo.imaging import lines
from pixo.imaging.plan import Mode

# Modes by number of bands, after `canonical`.
MODES: tuple[Mode, ...] = ("L", "LA", "RGB", "RGBA")
LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "tiff": "tiffload",
    "webp": "webpload",
    "gif": "gifload",
    "avif": "heifload",
}
READ_IN_ORDER = frozenset({"jpeg", "png", "tiff"})
OLDEST = (8, 18)
"""The libvips that pyvips-binary brings, and all that is tested; with 8.14 no JPEG could be decoded."""
# libvips asks for 4 kB at a time.
BUFFER = 1 << 18
# Interpretations whose numbers are what Pixo works on already.
PLAIN = frozenset({"b-w", "grey16", "srgb", "rgb16", "rgb", "multiband"})
PATH = re.compile(r"(?:^|(?<=\s))/.*?: ")
CONVERTED = frozenset({"cmyk", "lab", "labs"})


@cache
def set_up() -> None:
    """Prepare libvips for all that this process does with it; whoever does not open an image here asks for it first.

    Raises ConfigError for one that is too old: of a system's, which took the place of the right one.
    """
    found = pyvips.version(0), pyvips.version(1)
    if found < OLDEST:
        raise ConfigError(
            f"libvips {found[0]}.{found[1]} is loaded, and {OLDEST[0]}.{OLDEST[1]} is needed. pyvips was built for the"
            " system's: pip install --force-reinstall --no-deps pyvips-binary"
        )
    # No operation is ever asked for twice: a cache would hold memory and open files for nothing.
    pyvips.cache_set_max(0)
    # The binding hands what libvips warns of to a logger. If Python happens to free another image meanwhile, and that
    # one warns too, glib takes it for an endless recursion and aborts the process. What libvips has instead is C alone.
    pyvips._remove_log_handler()  # noqa: SLF001 - it has no public way
    pyvips.block_untrusted_set(state=True)
    lines.hold_few()


class Unsupported(Exception):
    """Raised when the pixels of an image have a form that is not processed; the message says which."""


class Opened:
    """An image that is not decoded yet, and the file behind it."""

    def __init__(self, image: Any, source: "_Source | None" = None, file: BinaryIO | None = None) -> None:
        self.image = image
        self._source = source
        self._file = file

    def explain(self, error: pyvips.Error) -> BaseException:
        """Return what the file object raised, if libvips failed because of it, else libvips' own error."""
        return (self._source and self._source.failure) or error

    def close(self) -> None:
        """Close the file, if it was opened here; nothing can be decoded any more."""
        self.image = None
        if self._file is not None:
            self._file.close()


def open_image(source: Path | BinaryIO, form: str, *, strict: bool = False, shrink: int = 1) -> Opened:
    """Open a file's header for one pass from top to bottom, with the loader of the format given and no other.

    Decoding fails at damage that loses pixels and at a file that ends too early; with ``strict`` at everything that
    the decoder warns of. A JPEG can be decoded to a half, a quarter or an eighth of its size, by ``shrink``. Raises
    pyvips.Error, or what the file object raises.
    """
    set_up()
    options: dict[str, Any] = {"access": "sequential", "fail_on": "warning" if strict else "error"}
    if shrink > 1:
        options["shrink"] = shrink
    if isinstance(source, Path) and form not in READ_IN_ORDER:
        # These decoders want all bytes at once: the file is mapped.
        return Opened(getattr(pyvips.Image, LOADERS[form])(str(source), **options))
    own: BinaryIO | None = None
    if isinstance(source, Path):
        # Given a name, libvips maps the file here too, and a large one's pages would count as this process's memory.
        source = own = source.open("rb", buffering=BUFFER)
    wrapped = _Source(source)
    load = getattr(pyvips.Image, LOADERS[form] + "_source")
    try:
        image = load(wrapped.vips, **options)
    except pyvips.Error as error:
        if own is not None:
            own.close()
        raise (wrapped.failure or error) from error
    return Opened(image, wrapped, own)


def canonical(image: Any) -> Any:
    """Turn the image into gray or sRGB, each with alpha or without, in 8 or 16 bits, without decoding it yet.

    CMYK goes through its own profile, or a usual one if it has none. Raises Unsupported.
    """
    if image.interpretation in CONVERTED:
        image = _converted(image)
    elif image.interpretation not in PLAIN:
        raise Unsupported(f"colours in {image.interpretation}")
    if image.format not in ("uchar", "ushort"):
        raise Unsupported(f"samples of type {image.format}")
    if not 1 <= image.bands <= len(MODES):
        raise Unsupported(f"{image.bands} channels")
    return image


def conformed(image: Any, mode: Mode) -> Any:
    """Return a canonical image the channels of the mode: what the header promised and the pixels did not keep."""
    have = MODES[image.bands - 1]
    if have == mode:
        return image
    colour = image.extract_band(0, n=image.bands - have.endswith("A"))
    if mode.startswith("RGB") and colour.bands == 1:
        colour = colour.bandjoin([colour, colour])
    elif mode.startswith("L") and colour.bands > 1:
        colour = colour.colourspace("b-w" if image.format == "uchar" else "grey16")
    if not mode.endswith("A"):
        return colour
    if have.endswith("A"):
        return colour.bandjoin(image.extract_band(image.bands - 1))
    return colour.bandjoin(255 if image.format == "uchar" else 65535)


def orientation(image: Any) -> int:
    """Return how the image is to be shown, as EXIF says it (1-8); 1 where it is silent or says something else."""
    turn = image.get("orientation") if "orientation" in image.get_fields() else 1
    return turn if 1 <= turn <= 8 else 1


def reason(error: pyvips.Error) -> str:
    """Return libvips' own words for a failure, on one line, without the paths of files: they are the server's."""
    lines = (PATH.sub("", line.strip()) for line in str(error).splitlines()[1:])
    return "; ".join(dict.fromkeys(line for line in lines if line)) or error.message


def loses_pixels(message: str) -> bool:
    """Return whether libjpeg's warning is of data that is missing: it paints what that was for gray, and goes on.

    Cameras and editors give reason for its other warnings; those leave the picture whole.
    """
    return "premature end" in message.lower()


def could_not_write(error: pyvips.Error) -> bool:
    """Return whether the trouble was not the image, but where it was to be written: a full disk."""
    return "write error" in str(error)


def _converted(image: Any) -> Any:
    depth = 16 if image.format == "ushort" else 8
    if image.interpretation != "cmyk":
        return image.colourspace("srgb")
    return image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)


class _Source:
    """A seekable file object as libvips reads it; keeps the error that a callback cannot raise through C."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: BaseException | None = None
        self.vips = pyvips.SourceCustom()
        self.vips.on_read(self._read)
        self.vips.on_seek(self._seek)

    def _read(self, size: int) -> bytes | None:
        try:
            return self._file.read(size) or None
        except BaseException as error:  # noqa: BLE001 - raised again by open_image, outside the C code
            self.failure = error
            return None

    def _seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except BaseException as error:  # noqa: BLE001 - likewise
            if isinstance(error, OSError) and error.errno == EINVAL:
                # The image names a place that no file has: libvips says what is wrong with it.
                return -1
            self.failure = error
            return -1
