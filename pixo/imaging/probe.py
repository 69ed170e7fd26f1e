"""What an image says of itself in its header; nothing is decoded, and the file's name counts for nothing."""

from pathlib import Path
from typing import BinaryIO, Literal

import pyvips
from msgspec import Struct

from pixo.errors import Refusal
from pixo.imaging import libvips
from pixo.imaging.headers.gif import read_gif
from pixo.imaging.headers.jpeg import Frame, read_frame
from pixo.imaging.headers.png import count_frames
from pixo.imaging.headers.tiff import Layout, read_layout
from pixo.imaging.headers.webp import read_webp
from pixo.imaging.plan import Mode

SourceFormat = Literal["jpeg", "png", "tiff", "webp", "gif", "avif"]
STARTS: tuple[tuple[bytes | tuple[bytes, ...], SourceFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff"),
    ((b"GIF87a", b"GIF89a"), "gif"),
)
AVIF_BRANDS = frozenset({b"avif", b"avis"})
LARGEST_STRIP = 40_000_000
"""Bytes of a strip of a TIFF: libtiff, as libvips opens it, allocates 50 MiB for a file and not more."""
TAKEN = "JPEG, PNG, TIFF, WebP, GIF and AVIF are"


class Header(Struct, frozen=True, kw_only=True):
    """An image before any of its pixels is decoded."""

    format: SourceFormat
    width: int
    height: int
    mode: Mode
    """What decoding yields; CMYK counts as RGB, a palette as its colours."""
    depth: Literal[8, 16]
    frames: int = 1
    streams: bool
    """Whether it decodes from top to bottom in bounded memory."""
    held: int = 0
    """Bytes that its decoder holds even so, of tiles or strips of a TIFF."""
    baseline_jpeg: bool = False
    """A sequential 8-bit JPEG, gray or YCbCr, whose luma can be decoded alone."""
    cmyk: bool = False
    lossless: bool = False
    """A WebP that keeps every pixel."""
    orientation: int = 1
    """How it is to be shown, as EXIF says it (1-8); 1 where decoding turns the pixels, as that of AVIF does."""

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height


def probe(source: Path | BinaryIO) -> Header:
    """Read the header of an image in a file or a seekable file object.

    Raises Refusal of the kinds ``empty-file``, ``unsupported-format`` and ``broken-header``.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _probe(file, source)
    return _probe(source, source)


def sniff(head: bytes) -> SourceFormat | None:
    """Tell the format by a file's first 64 bytes; None if it is none that is taken."""
    for start, form in STARTS:
        if head.startswith(start):
            return form
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        # The major brand, then four bytes of version, then the compatible brands.
        brands = {head[at : at + 4] for at in range(8, min(int.from_bytes(head[:4]), len(head)), 4)}
        return "avif" if brands & AVIF_BRANDS else None
    return None


def _probe(file: BinaryIO, source: Path | BinaryIO) -> Header:
    file.seek(0)
    head = file.read(64)
    if not head:
        raise Refusal("empty-file", "The file is empty.")
    form = sniff(head)
    if form is None:
        raise Refusal("unsupported-format", f"This is not an image in a supported format; {TAKEN}.")
    try:
        if form == "webp":
            return _webp(file)
        if form == "gif":
            return _gif(file)
        frame = read_frame(file) if form == "jpeg" else None
        frames = count_frames(file) if form == "png" else None
        layout = _layout(file) if form == "tiff" else None
        file.seek(0)
        interlaced = form == "png" and head[28:29] == b"\1"
        opened = libvips.open_image(source, form)
        try:
            return _header(form, opened.image, frame, layout, frames=frames, interlaced=interlaced)
        finally:
            opened.close()
    except libvips.Unsupported as error:
        raise Refusal("unsupported-format", f"This {form.upper()} is not supported: {error}.") from error
    except ValueError as error:
        raise _broken(form, str(error)) from error
    except pyvips.Error as error:
        raise _broken(form, libvips.reason(error)) from error


def _header(
    form: SourceFormat,
    image: pyvips.Image,
    frame: Frame | None,
    layout: Layout | None,
    *,
    frames: int | None,
    interlaced: bool,
) -> Header:
    """Describe an image that libvips has opened; ``frames`` None leaves counting them to it."""
    fields = set(image.get_fields())
    if frame is not None and frame.precision != 8:
        raise libvips.Unsupported(f"{frame.precision} bits per sample")
    cmyk = image.interpretation == "cmyk"
    pixels = libvips.canonical(image)
    depth: Literal[8, 16] = 16 if pixels.format == "ushort" else 8
    return Header(
        format=form,
        width=image.width,
        height=image.height,
        mode=libvips.MODES[pixels.bands - 1],
        depth=depth,
        frames=frames or (image.get("n-pages") if "n-pages" in fields else 1),
        streams=frame.sequential if frame else form != "avif" and not interlaced,
        held=layout.held(pixels.bands * depth // 8) if layout else 0,
        baseline_jpeg=frame is not None and frame.sequential and frame.luma_first,
        cmyk=cmyk,
        orientation=libvips.orientation(image),
    )


def _layout(file: BinaryIO) -> Layout:
    layout = read_layout(file)
    if layout.packed > LARGEST_STRIP:
        raise libvips.Unsupported(
            f"a strip of it has {layout.packed:,} bytes, at most {LARGEST_STRIP:,} can be read;"
            " write it with more strips, or with tiles"
        )
    return layout


def _webp(file: BinaryIO) -> Header:
    webp = read_webp(file)
    return Header(
        format="webp",
        width=webp.width,
        height=webp.height,
        mode="RGBA" if webp.alpha else "RGB",
        depth=8,
        frames=webp.frames,
        streams=False,
        lossless=webp.lossless,
        orientation=webp.orientation,
    )


def _gif(file: BinaryIO) -> Header:
    gif = read_gif(file)
    return Header(
        format="gif",
        width=gif.width,
        height=gif.height,
        mode="RGBA" if gif.transparent else "RGB",
        depth=8,
        frames=gif.frames,
        streams=False,
    )


def _broken(form: str, detail: str) -> Refusal:
    return Refusal("broken-header", f"The header of this {form.upper()} cannot be read: {detail}.")
