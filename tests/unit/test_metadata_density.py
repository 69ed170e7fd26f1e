"""The resolution of a picture goes from any format into any other, whole and by tiles."""

import io
import struct
from zlib import crc32

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from pixo.imaging import apply, exif
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.metadata import read
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from tests import sources

ACROSS, DOWN, UNIT, MAKER = 0x011A, 0x011B, 0x0128, 0x010F
FORMATS = ["jpeg", "png", "webp", "tiff"]
HALF_PER_METRE = 0.0127
"""As near as a PNG can say it, in dots per inch."""
PIXELS = np.random.default_rng(2).integers(0, 256, (90, 70, 3), np.uint8)


def exif_block():
    """Give EXIF of 300 by 150 dots per inch."""
    block = Image.Exif()
    block[ACROSS], block[DOWN], block[UNIT] = IFDRational(300), IFDRational(150), 2
    return block.tobytes()


def scan(form):
    """Give a picture of 300 by 150 dots per inch, said where each format says it."""
    out = io.BytesIO()
    options = {"exif": exif_block()} if form in {"webp", "avif"} else {"dpi": (300, 150)}
    Image.fromarray(PIXELS).save(out, form, **options)
    return out.getvalue()


def final(path, data, form, tile_size=None, keep="keep"):
    """Give the final, of as many tiles as a size of them makes."""
    path.write_bytes(data)
    request = Request(format=form, metadata=keep)
    made = plan(probe(path), parse("grayscale"), request, Limits(), tile_size=tile_size, workers=1, busy=False)
    out = io.BytesIO()
    apply.carry_out(path, made, out.write)
    return made.tiles, out


def said(out, form):
    """Give the dots per inch that a final says, by a reader that is not Pixo's."""
    with Image.open(out) as image:
        if form != "webp":
            return image.info.get("dpi")
        tags = image.getexif()
        return (tags[ACROSS], tags[DOWN]) if ACROSS in tags else None


@pytest.mark.parametrize("tile_size", [None, 32])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("source", [*FORMATS, "avif"])
def test_a_resolution_goes_from_any_format_into_any(tmp_path, source, form, tile_size):
    """What is 300 by 150 dots per inch stays so, in one tile and in several."""
    tiles, out = final(tmp_path / "in", scan(source), form, tile_size)
    assert (tiles > 1) == (tile_size is not None)
    assert said(out, form) == pytest.approx((300, 150), abs=HALF_PER_METRE)


def test_a_png_s_dots_per_metre_are_whole_dots_per_inch_elsewhere(tmp_path):
    """11811 a metre are 299.9994 an inch: what was meant is what the TIFF and the WebP say."""
    for form in ("tiff", "webp"):
        _, out = final(tmp_path / "in", scan("png"), form)
        assert said(out, form) == (300, 150)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("source", "keep"), [("plain", "keep"), ("scan", "strip")])
def test_no_resolution_is_made_up(tmp_path, source, keep, form):
    """Without one, or stripped of it, a final has none, and a WebP no EXIF; a TIFF has to say one, and says 72."""
    data = scan("jpeg") if source == "scan" else sources.jpeg(PIXELS)
    _, out = final(tmp_path / "in", data, form, keep=keep)
    assert read(out).exif is None
    with Image.open(out) as image:
        # Of JPEGs without a density Pillow says nothing either.
        assert image.info.get("dpi") == ((72, 72) if form == "tiff" else None)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("metre", [1, 2, 50_000_000, 200_000_000, 2**31 - 1])
def test_absurd_resolutions_break_no_final(tmp_path, metre, form):
    """Whatever a PNG says, a final comes out; what no other format could say is nothing."""
    with io.BytesIO() as file:
        Image.fromarray(PIXELS).save(file, "png")
        plain = file.getvalue()
    kind = b"pHYs" + struct.pack(">IIB", metre, metre, 1)
    data = plain[:33] + struct.pack(">I", 9) + kind + struct.pack(">I", crc32(kind)) + plain[33:]
    _, out = final(tmp_path / "in", data, form)
    assert (said(out, form) in (None, (72, 72))) == (metre > 100_000_000)


def test_exif_without_a_resolution_is_told_it():
    """A WebP's is in EXIF alone: it joins the tags that are there, and one that is there stays."""
    for block in (exif.minimal(6), Image.Exif().tobytes(), exif_of({MAKER: "a maker of a long name", 0x0132: "2000"})):
        found = Image.Exif()
        found.load(exif.with_density(block, (10.0, 20.0)))
        before = Image.Exif()
        before.load(block)
        assert {tag: found.pop(tag) for tag in (ACROSS, DOWN, UNIT)} == {ACROSS: 254, DOWN: 508, UNIT: 2}
        assert dict(found) == dict(before)
    assert exif.with_density(exif_block(), (10.0, 20.0)) == exif_block()


def exif_of(tags):
    """Give EXIF of these tags."""
    block = Image.Exif()
    for tag, value in tags.items():
        block[tag] = value
    return block.tobytes()


def test_a_resolution_in_exif_that_is_none():
    """Zero, a cut off block and an unknown unit tell nothing; centimetres are understood, and no unit is the inch."""
    ten = {ACROSS: IFDRational(10), DOWN: IFDRational(10)}
    assert exif.density(exif_of({**ten, UNIT: 3})) == (1, 1)
    assert exif.density(exif_of(ten)) == pytest.approx((10 / 25.4, 10 / 25.4))
    for tags in ({**ten, UNIT: 1}, {**ten, ACROSS: IFDRational(0)}, {ACROSS: IFDRational(10)}):
        assert exif.density(exif_of(tags)) is None
    block = exif_block()
    assert [exif.density(block[:end]) for end in range(len(block))] == [None] * len(block)
    under = block.replace(struct.pack(">II", 300, 1), struct.pack(">II", 300, 0)).replace(
        struct.pack("<II", 300, 1), struct.pack("<II", 300, 0)
    )
    assert exif.density(under) is None


def test_directories_of_exif_that_lie_over_each_other_break_nothing():
    """A size written into one must not change the other, which is read again."""
    first = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 8, 0)
    block = exif.PREFIX + b"MM\0*" + struct.pack(">IHH", 12, 1, 0x0100) + first
    settled = exif.settle(block, 1, (100, 100))
    assert settled == block
    assert exif.density(exif.with_density(settled, (3.0, 3.0))) == pytest.approx((3.0, 3.0), rel=1e-4)


def test_a_directory_of_exif_that_is_full_stays_as_it_is():
    """There is no room for a resolution."""
    others = [tag for tag in range(1 << 16) if tag not in (ACROSS, DOWN, UNIT)]
    entries = b"".join(struct.pack(">HHII", tag, 1, 1, 0) for tag in others)
    block = exif.PREFIX + b"MM\0*" + struct.pack(">IH", 8, len(others)) + entries + bytes(4)
    assert exif.with_density(block, (3.0, 3.0)) == block
