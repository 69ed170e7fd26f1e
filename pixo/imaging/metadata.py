"""What an image file says about its pixels: read from the source, written into the final by the joiner."""

from pathlib import Path
from typing import BinaryIO

import pyvips
from msgspec import Struct
from msgspec.structs import replace

from pixo.errors import BadImage
from pixo.imaging import exif, iptc, libvips
from pixo.imaging.headers.jpeg import read_comments
from pixo.imaging.headers.png import Notes, read_notes
from pixo.imaging.headers.tiff import read_texts
from pixo.imaging.plan import Plan
from pixo.imaging.probe import SourceFormat, sniff

PNG_DEFAULT = (2.834, 2.834)
"""What libvips says of a PNG without density: 72 per inch, cut to whole pixels per metre; others round to 2.835."""
PER_METRE = 0.0005001
"""Half of one per metre, per millimetre, and what floating point adds."""
LEAST, MOST = 0.001, 100_000.0
"""One per metre, and what a number in EXIF holds: beyond it a density is nonsense that no format could say."""
_OF_ANOTHER = (b"Thumbnails", b"hdrgm:", b"Container:", b"MotionPhoto")
"""Names in XMP that speak of a picture besides the image, before the filters: a thumbnail, a gain map, a film."""
_FITTING = {b"RGB ": {"RGB", "RGBA"}, b"GRAY": {"L", "LA"}}
"""The colour space that an ICC profile names in bytes 16-20, and the modes it can describe."""


class Metadata(Struct, frozen=True, kw_only=True):
    """Profile, EXIF, XMP, IPTC, orientation (1-8) and density of an image; None where it has none."""

    icc: bytes | None = None
    exif: bytes | None = None
    """With its prefix ``Exif\\0\\0``."""
    xmp: bytes | None = None
    iptc: bytes | None = None
    """Its records, without what holds them in a JPEG."""
    orientation: int = 1
    density: tuple[float, float] | None = None
    """Pixels per millimetre, across and down."""
    comments: tuple[bytes, ...] = ()
    """Of a JPEG."""
    notes: Notes = Notes()
    """Of a PNG."""


def read(source: Path | BinaryIO) -> Metadata:
    """Read the metadata of an image that ``probe`` has taken, decoding nothing.

    Raises BadImage where the header cannot be read, and what a file object's own ``read`` raises.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _read(file, source)
    return _read(source, source)


def fit(metadata: Metadata, plan: Plan) -> Metadata:
    """Return what belongs into the final image of a plan.

    The orientation always stays, in EXIF of its own if need be: without it the picture lies on its side. So does
    the profile, with ``metadata=strip`` too, as long as it describes pixels like the final's: it says nothing about
    its owner, and without it a wide-gamut picture would show wrong colours. (Products that drop the profile convert
    the pixels to sRGB for that.) A colour profile goes when the chain made gray, and a CMYK one always, since such
    sources are decoded to sRGB. What a PNG says of its colours otherwise stays likewise, in a PNG; it holds for gray
    too. ``strip`` drops all else. EXIF is told the final's size, and loses its thumbnail, which shows the image before
    the filters; XMP and IPTC go as a whole where they hold or announce another picture.
    """
    # WebP has no gray: its encoder is given RGB.
    mode = "RGB" if plan.output.format == "webp" else plan.out_mode
    profile = metadata.icc
    if profile is not None and mode not in _FITTING.get(profile[16:20], set()):
        profile = None
    kept = Metadata(icc=profile, orientation=metadata.orientation, notes=Notes(metadata.notes.colours))
    block = None
    if plan.output.metadata == "keep":
        other = any(name in metadata.xmp for name in _OF_ANOTHER) if metadata.xmp else False
        kept = replace(metadata, icc=profile, xmp=None if other else metadata.xmp)
        block = exif.settle(metadata.exif or b"", metadata.orientation, (plan.width, plan.height))
    if block is None and metadata.orientation != 1:
        block = exif.minimal(metadata.orientation)
    if plan.output.format == "webp" and kept.density is not None:
        # It has no other place for it.
        block = exif.with_density(block or exif.minimal(metadata.orientation), kept.density)
    return replace(kept, exif=block)


def _read(file: BinaryIO, source: Path | BinaryIO) -> Metadata:
    file.seek(0)
    form = sniff(file.read(64))
    if form is None:
        raise BadImage("the image's header is not one of a known format")
    try:
        comments = read_comments(file) if form == "jpeg" else ()
        notes = read_notes(file) if form == "png" else Notes()
        said = read_texts(file, exif.TEXTS, exif.MOST_TEXT) if form == "tiff" else {}
        file.seek(0)
        opened = libvips.open_image(source, form)
    except ValueError as error:
        raise BadImage(f"the image's header cannot be read: {error}") from error
    except pyvips.Error as error:
        raise BadImage(f"the image's header cannot be read: {libvips.reason(error)}") from error
    try:
        found = replace(_collect(form, opened.image), comments=comments, notes=notes)
    finally:
        opened.close()
    texts = {tag: text for tag, data in said.items() if (text := exif.plain(data))}
    return replace(found, exif=exif.described(texts)) if texts else found


def _density(form: SourceFormat, image: pyvips.Image, fields: set[str]) -> tuple[float, float] | None:
    """Return pixels per millimetre; None where libvips shows only the default of the format."""
    density = (image.xres, image.yres)
    if density == (1.0, 1.0):
        return None
    if form == "jpeg" and "resolution-unit" not in fields:
        return None
    if form == "png" and density == PNG_DEFAULT:
        return None
    return density


def _whole(number: float) -> float:
    """Return a density in whole dots per inch where those were meant: a PNG counts in whole dots per metre."""
    inch = round(25.4 * number)
    return inch / 25.4 if inch and abs(inch / 25.4 - number) < PER_METRE else number


def _collect(form: SourceFormat, image: pyvips.Image) -> Metadata:
    """Return what libvips has found in the header."""
    fields = set(image.get_fields())

    def blob(name: str) -> bytes | None:
        value = image.get(name) if name in fields else None
        return bytes(value) if value else None

    block = blob("exif-data")
    if block and not block.startswith(exif.PREFIX):
        block = exif.PREFIX + block
    # Of formats without a density of their own libvips does not look for it in EXIF.
    density = _density(form, image, fields) or (exif.density(block) if block else None)
    if density is not None and not (min(density) >= LEAST and max(density) <= MOST):
        density = None
    return Metadata(
        icc=blob("icc-profile-data"),
        exif=block,
        xmp=blob("xmp-data"),
        # Of a TIFF in either place; what libtiff has turned for long numbers, though it is bytes, is in the other too.
        iptc=iptc.records(blob("iptc-data") or b"") or iptc.records(blob("photoshop-data") or b""),
        orientation=libvips.orientation(image),
        density=(_whole(density[0]), _whole(density[1])) if density else None,
    )
