"""Who made a picture, with what, whose it is: the texts that EXIF and TIFF share, from any format into any."""

import io
import struct

import numpy as np
import pytest
import pyvips
from PIL import Image

from pixo.imaging import apply, exif
from pixo.imaging.chain import parse
from pixo.imaging.headers.tiff import read_texts
from pixo.imaging.join import transcode
from pixo.imaging.limits import Limits
from pixo.imaging.metadata import read
from pixo.imaging.planner import Request

PIXELS = np.random.default_rng(4).integers(0, 256, (20, 30, 3), np.uint8)
DESCRIPTION, ORIENTATION, ARTIST, COPYRIGHT = 0x010E, 0x0112, 0x013B, 0x8298
TEXTS = {
    DESCRIPTION: "Hills, in the evening",
    0x010F: "Maker",
    0x0110: "Model 1",
    0x0131: "Scanner 2.0",
    0x0132: "2026:11:29 23:40:00",
    ARTIST: "Ada",  # with its zero as long as what stands in an entry itself
    COPYRIGHT: "(c) 2026 Ada, all rights reserved",
}
FORMATS = ["jpeg", "png", "webp", "tiff"]


def source(form="tiff", said=None, **options):
    """Give a picture that says this, turned."""
    block = Image.Exif()
    for tag, text in {**(TEXTS if said is None else said), ORIENTATION: 6}.items():
        block[tag] = text
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, form, exif=block, **options)
    return out.getvalue()


def final(tmp_path, data, form="keep", keep="keep"):
    """Give the final of a file, which no careful decoder complains of, opened with Pillow; it is turned as before."""
    path = tmp_path / "in"
    path.write_bytes(data)
    out = io.BytesIO()
    apply.apply(path, parse("none"), Request(format=form, metadata=keep), Limits(), out.write)
    careful = pyvips.Image.new_from_buffer(out.getvalue(), "", fail_on="warning")
    careful.avg()
    assert careful.get("orientation") == 6
    return Image.open(out)


def said(image):
    """Give what an image says."""
    return {tag: text for tag, text in image.getexif().items() if tag in exif.TEXTS}


@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("form", FORMATS)
def test_texts_stay(tmp_path, given, form):
    """All of them come out as they went in, and from what came out once more."""
    once = final(tmp_path, source(given), form)
    assert said(once) == TEXTS
    assert said(final(tmp_path, once.fp.getvalue(), "tiff")) == TEXTS


@pytest.mark.parametrize("form", FORMATS)
def test_stripped_they_go(tmp_path, form):
    """They tell of the owner."""
    assert said(final(tmp_path, source(), form, keep="strip")) == {}


def test_large_files_have_them_too(tmp_path, monkeypatch):
    """The form of TIFF that files of over 4 GB have, as source and as final."""
    monkeypatch.setattr(transcode, "CLASSIC_TIFF", 0)
    image = final(tmp_path, source(big_tiff=True))
    assert image.fp.getvalue().startswith(b"II+\0")
    assert said(image) == TEXTS


@pytest.mark.parametrize("description", ["<?xml version='1.0'?><OME/>", "ImageJ=1.53\nimages=3", '{"shape": [3]}', " "])
@pytest.mark.parametrize("form", FORMATS)
def test_what_programs_read_goes(tmp_path, form, description):
    """A description that says how the pixels of that very file lie would mislead whoever reads the final."""
    assert said(final(tmp_path, source(said={DESCRIPTION: description, ARTIST: "Ada"}), form)) == {ARTIST: "Ada"}


def test_the_longest_texts_fit_into_a_jpeg(tmp_path):
    """One that is longer is left out, and takes no other one along."""
    texts = dict.fromkeys(TEXTS, "x" * (exif.MOST_TEXT - 1))
    assert said(final(tmp_path, source(said=texts), "jpeg")) == texts
    assert said(final(tmp_path, source(said={**TEXTS, DESCRIPTION: "x" * exif.MOST_TEXT}), "jpeg")) == {
        tag: text for tag, text in TEXTS.items() if tag != DESCRIPTION
    }


def test_a_text_that_is_not_there(tmp_path):
    """An offset beyond the end is no reason to refuse the picture, or its other texts."""
    data = bytearray(source())
    at = data.index(struct.pack("<HH", COPYRIGHT, 2)) + 8
    struct.pack_into("<I", data, at, 0xFFFFFF00)
    path = tmp_path / "in"
    path.write_bytes(data)
    assert read(path).exif is not None
    assert set(exif.texts(read(path).exif)) == set(TEXTS) - {COPYRIGHT}


def test_texts_of_the_other_byte_order():
    """As Macintosh programs write them; the first of two with the same tag counts, and numbers are no texts."""
    entries = [(ARTIST, 2, 4, b"Ada\0"), (ARTIST, 2, 4, b"Bob\0"), (COPYRIGHT, 4, 1, b"\0\0\0\1"), (0x0132, 2, 6, 62)]
    data = b"MM\0*" + struct.pack(">IH", 8, 4)
    for tag, kind, count, value in entries:
        data += struct.pack(">HHI", tag, kind, count) + (
            value if isinstance(value, bytes) else struct.pack(">I", value)
        )
    data = data + bytes(4) + b"today\0"
    assert read_texts(io.BytesIO(data), exif.TEXTS, 100) == {ARTIST: b"Ada\0", 0x0132: b"today\0"}
    with pytest.raises(ValueError, match="header"):
        read_texts(io.BytesIO(data[:30]), exif.TEXTS, 100)


@pytest.mark.parametrize("end", range(0, 120, 3))
def test_broken_blocks_give_what_is_whole(end):
    """Wherever a block is cut off, nothing is read beyond."""
    block = exif.described({tag: f"{text}\0".encode() for tag, text in TEXTS.items()})
    assert exif.texts(block) == {tag: f"{text}\0".encode() for tag, text in TEXTS.items()}
    assert set(exif.texts(block[:end])) <= set(TEXTS)
