"""Metadata from any source into any final: profile, EXIF, XMP, orientation, density."""

import io
import struct

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from pixo.errors import BadImage
from pixo.imaging import exif
from pixo.imaging.encode import encode
from pixo.imaging.join import join
from pixo.imaging.metadata import Metadata, read
from pixo.imaging.plan import Output, Plan

SIDE = 40
MAKER, ORIENTATION, PHOTOGRAPH = 0x010F, 0x0112, 0x8769
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = ["jpeg", "png", "webp", "tiff"]


def exif_block(orientation=6, maker="Maker"):
    """Give an EXIF block as Pillow writes it."""
    block = Image.Exif()
    block[MAKER] = maker
    block[ORIENTATION] = orientation
    return block.tobytes()


def final(form, metadata, *, keep="keep", mode="RGB"):
    """Join an image of two tiles with this metadata; open it with Pillow."""
    plan = Plan(
        width=SIDE,
        height=SIDE,
        source="png",
        engine="stream",
        mode=mode,
        depth=8,
        chain="",
        out_mode=mode,
        output=Output(format=form, metadata=keep),
        piece="jpeg" if form == "jpeg" else "png",
        rows=32,
        skip=0.0,
        seconds=0.0,
    )
    pixels = np.full((SIDE, SIDE, len(mode)), 99, np.uint8)
    out = io.BytesIO()
    join(plan, metadata, [encode(pixels[slice(*plan.box(t))], plan) for t in range(2)], out.write)
    careful = pyvips.Image.new_from_buffer(out.getvalue(), "", fail_on="warning")
    careful.avg()
    image = Image.open(io.BytesIO(out.getvalue()))
    # Loaded, a TIFF has been turned and no longer says so: that it did say so is for libvips to tell.
    image.info["by-vips"] = {name: careful.get(name) for name in careful.get_fields()}
    image.load()
    image.getexif()
    return image


FULL = Metadata(icc=SRGB, exif=exif_block(), xmp=XMP, orientation=6, density=(300 / 25.4, 300 / 25.4))


@pytest.mark.parametrize("form", FORMATS)
def test_all_metadata_survives_the_join(form):
    """Profile byte for byte, EXIF and its orientation, XMP: Pillow finds them in every final."""
    image = final(form, FULL)
    assert image.info["icc_profile"] == SRGB
    assert image.info["by-vips"]["orientation"] == 6
    if form != "tiff":  # libvips keeps the orientation of a TIFF, but writes no EXIF into it
        assert image.getexif()[ORIENTATION] == 6
        assert image.getexif()[MAKER] == "Maker"
    assert image.info["by-vips"]["xmp-data"] == XMP


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_density_survives_the_join(form):
    """300 dots per inch stay 300, within what the format can say."""
    assert final(form, FULL).info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_read_from_a_final_went_into_it(form):
    """Reading is the other half of writing: a second pass through Pixo loses nothing."""
    image = final(form, FULL)
    file = io.BytesIO()
    image.save(file, form, exif=exif_block(), icc_profile=SRGB, dpi=(300, 300), xmp=XMP)
    file.seek(0)
    found = read(file)
    assert found.icc == SRGB
    assert found.orientation == 6
    if form in {"jpeg", "png", "webp"}:
        assert found.exif is not None
        assert found.exif.startswith(exif.PREFIX)
    if form in {"jpeg", "webp"}:
        assert found.xmp == XMP
    if form != "webp":
        assert found.density == pytest.approx(FULL.density, rel=1e-3)


@pytest.mark.parametrize("form", FORMATS)
def test_strip_leaves_only_orientation_and_profile(form):
    """A stripped picture stands upright and shows its colours; everything else is gone."""
    image = final(form, FULL, keep="strip")
    assert image.info["icc_profile"] == SRGB
    assert image.info["by-vips"]["orientation"] == 6
    assert MAKER not in image.getexif()
    assert "xmp-data" not in image.info["by-vips"]
    if form != "tiff":  # TIFF always says its density
        assert image.info.get("dpi", (72, 72)) == pytest.approx((72, 72), abs=1)


def test_an_upright_stripped_jpeg_has_no_exif():
    """With nothing to say about orientation, nothing is written."""
    metadata = Metadata(exif=exif_block(1), orientation=1)
    assert "exif" not in final("jpeg", metadata, keep="strip").info


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_a_colour_profile_goes_when_the_chain_made_gray(form):
    """An RGB profile on gray pixels is an error to some readers, and wrong to all."""
    assert "icc_profile" not in final(form, FULL, mode="L").info


def test_a_profile_of_inks_always_goes():
    """CMYK sources are decoded to sRGB, so their profile describes nothing in the final."""
    inks = SRGB[:16] + b"CMYK" + SRGB[20:]
    assert "icc_profile" not in final("jpeg", Metadata(icc=inks)).info


def test_a_long_profile_is_split_and_whole_again():
    """A profile of several APP2 parts comes back byte for byte."""
    profile = SRGB + bytes(np.random.default_rng(1).integers(0, 256, 200_000, np.uint8))
    assert final("jpeg", Metadata(icc=profile)).info["icc_profile"] == profile


def test_what_no_jpeg_can_hold_is_left_out():
    """EXIF and XMP of more than 64 KB do not break the file."""
    metadata = Metadata(exif=exif_block(maker="m" * 70_000), xmp=b"<x/>" + b" " * 70_000, orientation=6)
    image = final("jpeg", metadata)
    assert image.getexif()[ORIENTATION] == 6
    assert MAKER not in image.getexif()
    assert "xmp-data" not in image.info["by-vips"]


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_exif_tells_the_size_of_the_final(form):
    """Editors leave the size of what they cut from; where the tags of the photograph are broken, the others stay."""
    block = Image.Exif()
    block[MAKER], block[0x0100] = "Maker", 9999
    block.get_ifd(PHOTOGRAPH).update({0xA002: 9999, 0xA003: 8888, 0x9286: b"ASCII\0\0\0a comment"})
    image = final(form, Metadata(exif=block.tobytes()))
    found = image.getexif()
    assert (found[MAKER], found[0x0100]) == ("Maker", SIDE)
    assert found.get_ifd(PHOTOGRAPH) == {0xA002: SIDE, 0xA003: SIDE, 0x9286: b"ASCII\0\0\0a comment"}
    cut = block.tobytes()[:-20]
    assert final(form, Metadata(exif=cut)).getexif()[MAKER] == "Maker"


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("metadata", [Metadata(), Metadata(icc=SRGB), Metadata(exif=exif_block(), orientation=6)])
def test_a_webp_is_whole_with_any_metadata(metadata, mode):
    """Its own EXIF byte for byte and nothing made up, an even length, and the alpha that its pixels have."""
    image = final("webp", metadata, mode=mode)
    assert image.mode == mode
    assert image.size == (SIDE, SIDE)
    assert image.info.get("icc_profile") == metadata.icc
    assert exif.PREFIX + image.info.get("exif", b"") == (metadata.exif or exif.PREFIX)


@pytest.mark.parametrize("tags", [(0x0201, 0x0202), (0x0111, 0x0117)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_thumbnail_goes(order, tags):
    """A thumbnail shows the image before the filters: its directory and its bytes go, other tags stay."""
    picture = b"\xff\xd8thumbnail\xff\xd9"
    mark = b"II*\0" if order == "<" else b"MM\0*"
    first = struct.pack(order + "HHHIHHI", 1, ORIENTATION, 3, 1, 8, 0, 26)
    second = struct.pack(order + "HHHIIHHIII", 2, tags[0], 4, 1, 56, tags[1], 4, 1, len(picture), 0)
    block = exif.PREFIX + mark + struct.pack(order + "I", 8) + first + second
    block += bytes(6 + 56 - len(block)) + picture
    found = exif.settle(block, 3, (SIDE, SIDE))
    assert found is not None
    assert b"thumbnail" not in found
    left = Image.Exif()
    left.load(found)
    assert dict(left) == {ORIENTATION: 3}
    assert not left.get_ifd(0x8769)


def test_a_thumbnail_among_the_directories_takes_nothing_with_it():
    """A block whose thumbnail is said to begin where the tags are is broken: the orientation stays."""
    first = struct.pack("<HHHIHHI", 1, ORIENTATION, 3, 1, 6, 0, 26)
    second = struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, 0, 0x0202, 4, 1, 100_000, 0)
    block = exif.PREFIX + b"II*\0" + struct.pack("<I", 8) + first + second
    assert exif.settle(block, 6, (SIDE, SIDE)) is None
    assert final("jpeg", Metadata(exif=block, orientation=6)).getexif()[ORIENTATION] == 6


@pytest.mark.parametrize("name", ["xmp:Thumbnails", "hdrgm:Version", "Container:Directory", "GCamera:MotionPhoto"])
def test_xmp_of_another_picture_goes(name):
    """A packet that holds a thumbnail, or announces a gain map or a film that is not there any more, is left out."""
    assert "xmp-data" in final("jpeg", Metadata(xmp=b"<x:xmpmeta>plain</x:xmpmeta>")).info["by-vips"]
    assert "xmp-data" not in final("jpeg", Metadata(xmp=f"<x:xmpmeta>{name}</x:xmpmeta>".encode())).info["by-vips"]


def test_broken_exif_gives_way_to_the_orientation_alone():
    """EXIF whose directory is cut off is not passed on; the orientation still is."""
    directory = len(exif.PREFIX) + 8 + 2 + 2 * 12 + 4
    for end in range(directory):
        image = final("jpeg", Metadata(exif=exif_block()[:end], orientation=6))
        assert dict(image.getexif()) == {ORIENTATION: 6}


def test_orientation_follows_the_decoder_not_the_exif():
    """Where the decoder has turned the pixels already (AVIF), the EXIF must not turn them again."""
    assert final("jpeg", Metadata(exif=exif_block(6), orientation=1)).getexif()[ORIENTATION] == 1


def test_nothing_is_made_up_for_a_plain_image(tmp_path):
    """A picture without metadata reads as such, from a path too, with brackets in its name."""
    for form in FORMATS:
        path = tmp_path / f"plain[1].{form}"
        Image.new("RGB", (5, 5)).save(path, form)
        assert read(path) == Metadata()


def test_a_broken_header_is_a_bad_image():
    """Bytes that are no image raise BadImage, not an error of a library."""
    for junk in (b"", b"text", b"\xff\xd8\xff\xe0junk"):
        with pytest.raises(BadImage):
            read(io.BytesIO(junk))
