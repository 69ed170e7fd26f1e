"""What else a file says: what the colours of a PNG mean, texts and comments, IPTC."""

import io
import struct
from zlib import compress, crc32

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from pixo.imaging import apply, iptc
from pixo.imaging.chain import parse
from pixo.imaging.headers.jpeg import MOST_COMMENT
from pixo.imaging.headers.png import MOST_TEXT, read_notes
from pixo.imaging.limits import Limits
from pixo.imaging.metadata import read
from pixo.imaging.planner import Request
from tests import sources

PIXELS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
COLOURS = {
    b"cICP": bytes([12, 16, 0, 1]),
    b"gAMA": struct.pack(">I", 45_455),
    b"cHRM": struct.pack(">8I", 31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000),
    b"sRGB": b"\0",
    b"mDCV": bytes(24),
}
TEXTS = [
    (b"tEXt", b"Title\0Caf\xe9"),
    (b"zTXt", b"Description\0\0" + compress(b"long")),
    (b"iTXt", "Author\0\0\0\0\0Åsa".encode()),
]
RECORDS = b"\x1c\x02\x78\0\x0bthe caption"
THUMBNAIL = b"8BIM\x04\x0c\x03odd" + struct.pack(">I", 7) + b"picture" + b"\0"


def chunk(kind, data, checksum=None):
    """Make a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + (checksum or struct.pack(">I", crc32(kind + data)))


def png(*chunks, after=b"", pixels=PIXELS):
    """Give a PNG with these chunks behind its header, and those after its pixels."""
    plain = sources.png(pixels, keep="none")
    return plain[:33] + b"".join(chunks) + plain[33:-12] + after + plain[-12:]


def jpeg(*segments):
    """Give a JPEG with these segments, each a marker and its contents, behind its first one."""
    plain = sources.jpeg(PIXELS)
    inserted = b"".join(bytes((0xFF, kind)) + struct.pack(">H", len(data) + 2) + data for kind, data in segments)
    return plain[:20] + inserted + plain[20:]


def final(tmp_path, data, form="keep", chain="none", keep="keep"):
    """Give the final of a file, which no careful decoder complains of."""
    path = tmp_path / "in"
    path.write_bytes(data)
    out = io.BytesIO()
    apply.apply(path, parse(chain), Request(format=form, metadata=keep), Limits(), out.write)
    pyvips.Image.new_from_buffer(out.getvalue(), "", fail_on="warning").avg()
    return out


@pytest.mark.parametrize("keep", ["keep", "strip"])
@pytest.mark.parametrize("chain", ["none", "invert", "grayscale"])
def test_a_png_s_colours_mean_what_they_meant(tmp_path, chain, keep):
    """Chunks of colour come out as they went in, in gray too, and stripped too, as a profile does."""
    colours = {kind: COLOURS[kind] for kind in (b"cICP", b"gAMA", b"cHRM", b"mDCV")}
    out = final(tmp_path, png(*(chunk(*item) for item in colours.items())), chain=chain, keep=keep)
    assert dict(read_notes(out).colours) == colours
    assert out.getvalue().index(b"mDCV") < out.getvalue().index(b"IDAT")


def test_an_srgb_png_says_so_still(tmp_path):
    """The usual chunk of all: Pillow finds it in the final."""
    out = final(tmp_path, png(chunk(b"sRGB", b"\0"), chunk(b"gAMA", COLOURS[b"gAMA"])))
    assert Image.open(out).info["srgb"] == 0
    assert Image.open(out).info["gamma"] == pytest.approx(0.45455)


@pytest.mark.parametrize("form", ["jpeg", "webp", "tiff"])
def test_other_formats_are_not_troubled_by_them(tmp_path, form):
    """They have no place for such chunks, nor for a chunk of text."""
    out = final(tmp_path, png(*(chunk(*item) for item in [*COLOURS.items(), *TEXTS])), form)
    assert Image.open(out).mode == "RGB"
    assert not any(kind in out.getvalue() for kind in COLOURS)


def test_chunks_that_decoders_warn_of_are_left_out(tmp_path):
    """Cut off, damaged and second ones would make a final that careful readers refuse."""
    wrong = [chunk(b"gAMA", b"\0\0\xb1"), chunk(b"cHRM", bytes(32), b"\0\0\0\1"), chunk(b"tEXt", b"a\0b", b"\0\0\0\1")]
    data = png(*wrong, chunk(b"sRGB", b"\1"), chunk(b"sRGB", b"\0"))
    path = tmp_path / "in"
    path.write_bytes(data)
    assert read(path).notes == (((b"sRGB", b"\1"),), ())


@pytest.mark.parametrize("form", ["keep", "jpeg"])
@pytest.mark.parametrize(("chain", "stays"), [("invert", True), ("grayscale", False)])
def test_a_profile_of_colour_is_not_put_on_gray(tmp_path, chain, stays, form):
    """From a file to a file: an RGB profile goes with the colours."""
    data = sources.vips(PIXELS).icc_export(output_profile="srgb").pngsave_buffer()
    out = final(tmp_path, data, form, chain)
    assert ("icc_profile" in Image.open(out).info) == stays


def test_texts_of_a_png_stay_as_they_are(tmp_path):
    """Byte for byte, compressed and international ones too; stripped, they go, and XMP is not there twice."""
    xmp = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>")
    raw = (b"zTXt", b"Raw profile type exif\0\0" + compress(b"Thumbnail"))
    data = png(*(chunk(*item) for item in [*TEXTS, xmp, raw]))
    out = final(tmp_path, data)
    assert list(read_notes(out).texts) == TEXTS
    assert out.getvalue().count(xmp[1]) == 1
    assert read_notes(final(tmp_path, data, keep="strip")).texts == ()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"tEXt", b"\0no keyword"),
        (b"tEXt", b"no end"),
        (b"zTXt", b"a\0\7" + compress(b"of an unknown method")),
        (b"zTXt", b"a\0\0junk"),
        (b"zTXt", b"a\0\0" + compress(b"cut off")[:-5]),
        (b"zTXt", b"a\0\0" + compress(bytes(MOST_TEXT + 1))),
        (b"iTXt", b"a\0\0\0no languages"),
        (b"iTXt", b"a\0\2\0\0\0of an unknown kind"),
        (b"iTXt", b"a\0\1\0\0\0junk"),
    ],
)
def test_texts_that_decoders_warn_of_are_left_out(tmp_path, kind, data):
    """Pillow takes no image with some of them, careful readers none with the others, and none inflates too much."""
    out = final(tmp_path, png(chunk(kind, data)))
    assert read_notes(out).texts == ()
    Image.open(out).load()


def test_texts_are_bounded(tmp_path):
    """Beyond a megabyte texts are left out, and smaller ones still find room."""
    large = chunk(b"tEXt", b"a\0" + b"a" * MOST_TEXT)
    most = (b"tEXt", b"b\0" + b"b" * (MOST_TEXT - 10))
    out = final(tmp_path, png(large, chunk(*most), chunk(b"tEXt", b"c\0" + b"c" * 9), chunk(*TEXTS[0])))
    assert list(read_notes(out).texts) == [most]
    comments = read(final(tmp_path, jpeg(*[(0xFE, bytes(60_000))] * 20))).comments
    assert sum(map(len, comments)) == MOST_COMMENT // 60_000 * 60_000


def test_comments_of_a_jpeg_stay(tmp_path):
    """In their order, in whatever encoding; stripped, they go; a PNG has none."""
    data = jpeg((0xFE, b"one"), (0xFE, b"Caf\xe9"))
    out = final(tmp_path, data)
    assert read(out).comments == (b"one", b"Caf\xe9")
    assert Image.open(out).info["comment"] == b"Caf\xe9"
    assert read(final(tmp_path, data, keep="strip")).comments == ()
    assert b"one" not in final(tmp_path, data, "png").getvalue()


def iptc_in(form):
    """Give a picture with IPTC, where each format and program has it."""
    resources = THUMBNAIL + iptc.resource(RECORDS)
    if form == "jpeg":
        return jpeg((0xED, iptc.PREFIX + resources))
    if form == "tiff":
        out = io.BytesIO()
        Image.fromarray(PIXELS).save(out, "tiff", tiffinfo={33_723: RECORDS})
        return out.getvalue()
    image = sources.vips(PIXELS)
    image.set_type(pyvips.GValue.blob_type, "photoshop-data", resources)
    if form == "tiff with another order":
        image.set_type(pyvips.GValue.blob_type, "iptc-data", RECORDS[3::-1] * 4)
    return image.tiffsave_buffer()


@pytest.mark.parametrize("form", ["jpeg", "tiff"])
@pytest.mark.parametrize("source", ["jpeg", "tiff", "tiff by Photoshop", "tiff with another order"])
def test_iptc_stays_between_jpeg_and_tiff(tmp_path, source, form):
    """The records come out as they went in, without the thumbnail beside them; stripped, they go."""
    data = iptc_in(source)
    out = final(tmp_path, data, form)
    assert read(out).iptc == RECORDS
    assert b"picture" not in out.getvalue()
    assert read(final(tmp_path, data, form, keep="strip")).iptc is None


def test_a_reader_of_its_own_finds_iptc(tmp_path):
    """Pillow sees the resource of a JPEG."""
    with Image.open(final(tmp_path, iptc_in("jpeg"))) as image:
        assert image.info["photoshop"] == {0x0404: RECORDS}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        iptc.PREFIX,
        iptc.PREFIX + THUMBNAIL,
        *(iptc.PREFIX + iptc.resource(RECORDS)[:end] for end in range(13)),
        RECORDS + b"\x1c\x02\xca\0\7picture",
    ],
)
def test_what_holds_no_records_or_a_picture_gives_none(data):
    """Other resources, a cut off head, and a preview among the records."""
    assert iptc.records(data) is None


def test_too_much_iptc_for_a_jpeg_is_left_out(tmp_path):
    """A TIFF may have more than 64 KB."""
    image = sources.vips(PIXELS)
    image.set_type(pyvips.GValue.blob_type, "photoshop-data", iptc.resource(RECORDS * 6000))
    data = image.tiffsave_buffer()
    assert read(final(tmp_path, data, "jpeg")).iptc is None
    assert read(final(tmp_path, data, "tiff")).iptc == RECORDS * 6000
