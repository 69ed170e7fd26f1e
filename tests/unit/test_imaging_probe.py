"""What the probe tells of a file, and what it refuses."""

import contextlib
import io
import struct
import subprocess
import sys
import time
from zlib import compress, crc32

import numpy as np
import pytest
import pyvips
from PIL import Image

from pixo.errors import Refusal
from pixo.imaging import exif, metadata
from pixo.imaging.headers import webp
from pixo.imaging.headers.jpeg import read_frame
from pixo.imaging.limits import Limits, check
from pixo.imaging.probe import Header, probe
from tests import sources, strategies

RANDOM = np.random.default_rng(1)


def picture(channels=3, depth=8, shape=(20, 30)):
    """Give noise."""
    return strategies.picture(RANDOM, (*shape, channels), depth)


def frames(form, count=3, **options):
    """Give an animation of up to three frames."""
    images = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")[:count]]
    out = io.BytesIO()
    images[0].save(out, form, save_all=True, append_images=images[1:], duration=100, **options)
    return out.getvalue()


def gif(**options):
    """Give a GIF of one frame."""
    out = io.BytesIO()
    Image.new("P", (12, 9), 1).save(out, "gif", **options)
    return out.getvalue()


def turned(form):
    """Give an image with the orientation 6."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (8, 9)).save(out, form, exif=exif)
    return out.getvalue()


CASES = {
    "gray jpeg": (sources.jpeg(picture(1)), {"format": "jpeg", "mode": "L", "streams": True, "baseline_jpeg": True}),
    "colour jpeg": (sources.jpeg(picture()), {"mode": "RGB", "streams": True, "baseline_jpeg": True, "cmyk": False}),
    "progressive jpeg": (sources.jpeg(picture(), progressive=True), {"streams": False, "baseline_jpeg": False}),
    "jpeg without YCbCr": (sources.jpeg(picture(), keep_rgb=True), {"streams": True, "baseline_jpeg": False}),
    "cmyk jpeg": (sources.jpeg(picture(4)), {"mode": "RGB", "cmyk": True, "streams": True, "baseline_jpeg": False}),
    "turned jpeg": (turned("jpeg"), {"orientation": 6, "width": 8, "height": 9}),
    "png": (sources.png(picture()), {"format": "png", "mode": "RGB", "depth": 8, "streams": True}),
    "gray png with alpha": (sources.png(picture(2)), {"mode": "LA"}),
    "animated png": (frames("png"), {"frames": 3, "streams": True}),
    "animated png with a picture of its own": (frames("png", default_image=True), {"frames": 3}),
    "png of one frame": (frames("png", count=1), {"frames": 1}),
    "16-bit png": (sources.png(picture(4, 16)), {"mode": "RGBA", "depth": 16}),
    "interlaced png": (sources.png(picture(), interlace=True), {"streams": False}),
    "palette png": (sources.vips(picture()).pngsave_buffer(palette=True), {"mode": "RGB", "depth": 8}),
    "1-bit png": (sources.vips(picture(1)).pngsave_buffer(bitdepth=1), {"mode": "L", "depth": 8}),
    "tiff": (sources.tiff(picture()), {"format": "tiff", "mode": "RGB", "streams": True}),
    "16-bit tiff in tiles": (sources.tiff(picture(3, 16), tile=True), {"depth": 16, "streams": True}),
    "webp": (sources.webp(picture()), {"format": "webp", "mode": "RGB", "streams": False, "lossless": True}),
    "webp with alpha": (sources.webp(picture(4)), {"mode": "RGBA"}),
    "lossy webp": (sources.vips(picture()).webpsave_buffer(Q=50), {"mode": "RGB", "width": 30, "lossless": False}),
    "lossy webp with alpha": (sources.vips(picture(4)).webpsave_buffer(Q=50), {"mode": "RGBA", "lossless": False}),
    "turned webp": (turned("webp"), {"orientation": 6, "width": 8, "height": 9, "lossless": False}),
    "lossless webp with a profile": (
        sources.vips(picture()).icc_export(output_profile="srgb").webpsave_buffer(lossless=True),
        {"lossless": True},
    ),
    "animated webp": (frames("webp"), {"frames": 3}),
    "gif": (gif(), {"format": "gif", "mode": "RGB", "frames": 1, "width": 12, "height": 9}),
    "clear gif": (gif(transparency=1), {"mode": "RGBA"}),
    "gif with an empty comment": (gif().replace(b",", b"!\xfe\0,", 1), {"width": 12, "frames": 1}),
    "animated gif": (frames("gif"), {"frames": 3}),
    "avif": (sources.avif(picture()), {"format": "avif", "mode": "RGB", "depth": 8, "streams": False}),
    "deep avif": (sources.avif(picture(3, 16), bitdepth=10), {"depth": 16}),
}


@pytest.mark.parametrize("name", CASES)
def test_header_tells_what_is_inside(name, tmp_path):
    """A file and a file object give the same header, whatever the file is called."""
    data, expected = CASES[name]
    path = tmp_path / "notes[page=3].txt"
    path.write_bytes(data)

    header = probe(path)

    assert {field: getattr(header, field) for field in expected} == expected
    assert probe(io.BytesIO(data)) == header


@pytest.mark.parametrize("name", [name for name in CASES if "webp" in name or "gif" in name])
def test_own_header_readers_agree_with_libvips(name):
    """What is read without libvips is what libvips reads."""
    data, _ = CASES[name]
    image = pyvips.Image.new_from_buffer(data, "")
    header = probe(io.BytesIO(data))
    pages = image.get("n-pages") if "n-pages" in image.get_fields() else 1
    assert (header.width, header.height, header.frames) == (image.width, image.height, pages)
    assert header.mode.endswith("A") == image.hasalpha() or header.frames > 1


def framed(screen, box):
    """Give a GIF whose screen has another size than its one frame, which lies at box: left, top, width, height."""
    with io.BytesIO() as out:
        Image.new("P", box[2:]).save(out, "gif")
        data = bytearray(out.getvalue())
    data[6:10] = struct.pack("<HH", *screen)
    frame = data.index(b",", 13 + (3 << (data[10] & 7) + 1))
    data[frame + 1 : frame + 9] = struct.pack("<HHHH", *box)
    return bytes(data)


@pytest.mark.parametrize("screen", [(0, 0), (20, 15), (40, 30), (50, 60)])
@pytest.mark.parametrize("box", [(0, 0, 40, 30), (5, 0, 40, 30), (5, 7, 40, 30)])
def test_a_frame_beyond_the_screen_makes_it_larger(screen, box):
    """A GIF has the size that libvips decodes, whatever its header says."""
    header = probe(io.BytesIO(framed(screen, box)))
    image = pyvips.Image.new_from_buffer(framed(screen, box), "")
    assert (header.width, header.height) == (image.width, image.height)
    assert header.mode.endswith("A") == ((header.width, header.height) != (40, 30))


TIFFS = {
    "one strip of jpeg": ({"compression": "jpeg", "tile_height": 800}, 2 * 2_400_000, 2.2 * 2_400_000),
    "one strip, deflate": ({"compression": "deflate", "tile_height": 800}, 0, 100_000),
    "one strip, as it is": ({"compression": "none", "tile_height": 800}, 0, 0),
    "tiles": ({"tile": True, "tile_width": 256, "tile_height": 128}, 3 * 384_000, 4 * 384_000),
    "tiles of a big tiff": (
        {"bigtiff": True, "tile": True, "tile_width": 256, "tile_height": 128},
        3 * 384_000,
        4 * 384_000,
    ),
    "one tile": ({"tile": True, "tile_width": 1008, "tile_height": 800}, 3 * 2_400_000, 3.1 * 2_400_000),
}


@pytest.mark.parametrize("name", TIFFS)
def test_what_a_tiff_holds_at_once(name):
    """A row of tiles, and a strip that is a JPEG, are in memory as a whole, however the image streams."""
    options, least, most = TIFFS[name]
    image = pyvips.Image.black(1000, 800, bands=3).copy(interpretation="srgb")
    data = image.tiffsave_buffer(**options)
    header = probe(io.BytesIO(data))
    assert header.streams
    assert least <= header.held <= most
    for cut in range(8, 400):  # whatever it is, it is a refusal
        with contextlib.suppress(Refusal):
            probe(io.BytesIO(data[:cut]))


def test_a_strip_that_is_too_long_is_refused_by_the_header():
    """What libtiff would not read, as it is opened, is said at once, and what to do."""
    data = bytearray(sources.tiff(picture(), compression="lzw", tile_height=20))
    place = data.index(struct.pack("<HHI", 279, 4, 1))
    data[place + 8 : place + 12] = struct.pack("<I", 50_000_000)
    with pytest.raises(Refusal, match="a strip of it has 50,000,000 bytes") as caught:
        probe(io.BytesIO(data))
    assert caught.value.kind == "unsupported-format"


REFUSED = {
    "webp without a column": (
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0" + bytes(6) + b"\0\0\x09\0" + bytes(9),
        "broken-header",
    ),
    "nothing": (b"", "empty-file"),
    "text": (b"this is a photo, believe me", "unsupported-format"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "unsupported-format"),
    "pdf": (b"%PDF-1.7\n", "unsupported-format"),
    "bmp": (b"BM" + bytes(60), "unsupported-format"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported-format"),
    "start of a jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "broken-header"),
    "jpeg of zeros": (b"\xff\xd8\xff" + bytes(300_000), "broken-header"),
    "jpeg that ends at once": (b"\xff\xd8\xff\xd9", "broken-header"),
    "start of a png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "broken-header"),
    "start of a tiff": (b"II*\0\x08\0\0\0", "broken-header"),
    "start of a webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "broken-header"),
    "unknown webp": (b"RIFF\x10\0\0\0WEBPVP9 \x20\0\0\0" + bytes(32), "broken-header"),
    "start of a gif": (b"GIF89a\x01\0\x01\0\0\0\0", "broken-header"),
    "start of an avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "broken-header"),
    "jpeg of fill bytes": (b"\xff\xd8" + b"\xff" * 100_000 + b"\xe0\0\x02", "broken-header"),
    "jpeg of bare markers": (b"\xff\xd8" + b"\xff\x01" * 20_000, "broken-header"),
    "jpeg of empty segments": (b"\xff\xd8" + b"\xff\xe0\0\x02" * 20_000, "broken-header"),
    "webp of empty chunks": (
        b"RIFF\x10\0\0\0WEBPVP8X" + b"\x0a\0\0\0\x02" + bytes(9) + b"NONE\0\0\0\0" * 20_000,
        "broken-header",
    ),
    "png of empty chunks": (
        sources.png(picture())[:33] + (bytes(4) + b"noNE" + crc32(b"noNE").to_bytes(4)) * 20_000,
        "broken-header",
    ),
    "gif of small blocks": (b"GIF89a\x01\0\x01\0\0\0\0," + bytes(9) + b"\x02" + b"\x01x" * 1_100_000, "broken-header"),
    "gif of many frames of small blocks": (
        b"GIF89a\x01\0\x01\0\0\0\0" + (b"," + bytes(9) + b"\x02" + b"\x01x" * 10_000 + b"\0") * 101,
        "broken-header",
    ),
    "tiff of floats": (
        pyvips.Image.black(4, 4).cast("float").tiffsave_buffer(),
        "unsupported-format",
    ),
    "tiff of five channels": (
        pyvips.Image.black(4, 4, bands=5).tiffsave_buffer(),
        "unsupported-format",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_is_no_image(name, tmp_path):
    """Each kind of bad file has its kind of refusal, with a sentence for people."""
    data, kind = REFUSED[name]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        with pytest.raises(Refusal) as refusal:
            probe(source)
        assert refusal.value.kind == kind
        assert str(refusal.value).endswith(".")
        assert "\n" not in str(refusal.value)


def bomb(width, height):
    """Give the start of a PNG of any size: a header and nothing to it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    empty = b"IDAT"
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", crc32(chunk))
        + struct.pack(">I", 0)
        + empty
        + struct.pack(">I", crc32(empty))
    )


def test_png_bomb_is_refused_by_its_header():
    """65535 by 65535 pixels are too many before one of them is decoded."""
    header = probe(io.BytesIO(bomb(65535, 65535)))
    with pytest.raises(Refusal) as refusal:
        check(header, Limits())
    assert (refusal.value.kind, refusal.value.measured) == ("too-many-pixels", 65535**2)
    assert (refusal.value.limit, refusal.value.setting) == (1_200_000_000, "PIXO_MAX_PIXELS")


@pytest.mark.parametrize(
    ("kind", "change", "limits"),
    [
        ("too-many-pixels", {"width": 11, "height": 10}, {"max_pixels": 109}),
        ("too-wide", {"width": 11}, {"max_width": 10}),
        ("too-high", {"height": 11}, {"max_height": 10}),
        ("bad-aspect", {"width": 1, "height": 11}, {"max_aspect": 10}),
        ("too-many-frames", {"frames": 2}, {}),
    ],
)
def test_limits_name_themselves(kind, change, limits):
    """One above a limit is refused with its name and setting; the limit itself is taken."""
    whole = {"format": "png", "width": 10, "height": 10, "mode": "RGB", "depth": 8, "streams": True, **change}
    with pytest.raises(Refusal) as refusal:
        check(Header(**whole), Limits(**limits))
    assert refusal.value.kind == kind
    assert refusal.value.measured > refusal.value.limit
    check(Header(**whole), Limits(**{"max_frames": 2, **{name: value + 1 for name, value in limits.items()}}))


class Broken(io.BytesIO):
    """A file object whose store goes away."""

    def read(self, size=-1):
        """Fail after the first kilobyte."""
        if self.tell() > 100:
            raise ConnectionError("the store is gone")
        return super().read(min(size, 64))


def test_errors_of_a_file_object_come_through():
    """A store that goes away is no broken image."""
    with pytest.raises(ConnectionError):
        probe(Broken(sources.tiff(picture())))


def test_reading_headers_loads_no_pixel_library():
    """The web role stays small: probe, planner and limits load neither numpy nor OpenCV."""
    code = (
        "import sys, pixo.imaging.probe, pixo.imaging.planner, pixo.imaging.limits, pixo.imaging.ending,"
        " pixo.imaging.metadata; from pixo.imaging.filters import registry; registry();"
        "print([name for name in ('numpy', 'cv2', 'simplejpeg', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exif_of_a_webp_is_looked_at_once():
    """Thousands of chunks that say to have 65,535 entries each took minutes."""
    endless = b"EXIF" + struct.pack("<I", 10) + b"MM\0*\0\0\0\x08\xff\xff"
    first = b"EXIF" + struct.pack("<I", 26) + exif.minimal(6)[6:]
    canvas = b"VP8X" + struct.pack("<II", 10, webp.EXIF) + bytes(6)
    chunks = canvas + first + endless * 9000
    riff = io.BytesIO(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks)
    began = time.perf_counter()
    assert webp.read_webp(riff).orientation == 6
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("tag", [258, 273], ids=["for us", "for libtiff"])
def test_a_tiff_that_points_where_no_file_reaches_has_a_broken_header(tag, tmp_path):
    """The system refuses to seek there, which is no fault of the file system."""
    data = bytearray(sources.vips(picture()).tiffsave_buffer(bigtiff=True))
    (start,) = struct.unpack_from("<Q", data, 8)
    (count,) = struct.unpack_from("<Q", data, start)
    entry = next(
        at for at in range(start + 8, start + 8 + 20 * count, 20) if data[at : at + 2] == struct.pack("<H", tag)
    )
    struct.pack_into("<QQ", data, entry + 4, 50, 1 << 62)
    path = tmp_path / "in"
    path.write_bytes(data)
    with pytest.raises(Refusal) as refused:
        probe(path)
    assert refused.value.kind == "broken-header"


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("kind", [0, 1, 3, 4, 6, 7, 8, 9])
@pytest.mark.parametrize(("order", "start"), [("<", b"II*\0"), (">", b"MM\0*"), ("<", b"II*X"), (">", b"MMX*")])
def test_orientation_of_a_webp_is_what_libvips_reads(order, start, kind, count, tmp_path):
    """Of whatever type and number: the plan's must be the final's, which libvips reads."""
    value = (6).to_bytes(exif.INTEGERS.get(kind, 2), "little" if order == "<" else "big").ljust(4, b"\0")
    block = start + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, count) + value + bytes(4)
    path = tmp_path / "in"
    Image.fromarray(picture()).save(path, "webp", exif=block)
    assert probe(path).orientation == metadata.read(path).orientation


def test_bytes_between_a_jpeg_s_segments_are_bounded_in_all():
    """Read one by one, those of a large file took a minute."""
    plain = sources.jpeg(picture())
    data = plain[:2] + (bytes(60_000) + b"\xff\xfe\0\2") * 4 + plain[2:]
    assert read_frame(io.BytesIO(data)).width == 30
    with pytest.raises(ValueError, match="between its segments"):
        read_frame(io.BytesIO(plain[:2] + (bytes(60_000) + b"\xff\xfe\0\2") * 5 + plain[2:]))


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0"), (b"tEXt", b"a\0")]
)
def test_a_png_of_texts_that_inflate_is_refused_by_its_header(kind, head, tmp_path):
    """Libvips holds all of them when it opens a file: under a megabyte of them took 1.8 GB."""
    plain = sources.png(picture(), keep="none")
    text = bytes(3 << 20)
    data = head + (text if kind == b"tEXt" else compress(text))
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))
    path = tmp_path / "in"
    path.write_bytes(plain[:33] + chunk * 4 + plain[33:])
    assert probe(path).width == 30
    path.write_bytes(plain[:33] + chunk * 6 + plain[33:])
    with pytest.raises(Refusal, match="more than 16,777,216 bytes"):
        probe(path)


def test_a_webp_of_much_metadata_is_refused_by_its_header(tmp_path):
    """Who joins holds several copies of it."""
    path = tmp_path / "in"
    for size, taken in ((15 << 20, True), (17 << 20, False)):
        Image.fromarray(picture()).save(path, "webp", xmp=bytes(size))
        with contextlib.nullcontext() if taken else pytest.raises(Refusal, match="more than 16,777,216 bytes"):
            assert probe(path).width == 30


def test_a_jpeg_of_much_metadata_is_refused_by_its_header(tmp_path):
    """Libvips holds all segments of an application, twice, when it opens a file."""
    plain = sources.jpeg(picture())
    segment = b"\xff\xe5\xff\xff" + bytes(65_533)
    path = tmp_path / "in"
    path.write_bytes(plain[:20] + segment * 500 + plain[20:])
    assert probe(path).width == 30
    path.write_bytes(plain[:20] + segment * 520 + plain[20:])
    with pytest.raises(Refusal, match="more than 33,554,432 bytes"):
        probe(path)
