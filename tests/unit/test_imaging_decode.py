"""Readers: what each gives, when it stops, and what it says of damaged files."""

import io
import subprocess
import sys
from errno import EIO, ENOENT, ENOSPC
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageCms

from pixo.errors import BadImage, ConfigError
from pixo.imaging import libvips
from pixo.imaging.chain import parse
from pixo.imaging.decode import Rewind, open_reader, push
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from tests import sources, strategies

RANDOM = np.random.default_rng(2)
PHOTO = strategies.picture(RANDOM, (300, 200, 3), 8)


def opened(folder, data, chain="invert", start=0, until=None):
    """Write a source and open the reader of its plan."""
    path = Path(folder, "source")
    path.write_bytes(data)
    made = plan(probe(path), parse(chain), Request(format="png"), Limits(), tile_size=16, workers=1, busy=False)
    until = made.height if until is None else until
    return made, open_reader(path, made, start=start, until=until, cache=Path(folder, "cache"))


def whole(folder, data, chain="invert"):
    """Decode all rows at once."""
    made, reader = opened(folder, data, chain)
    with reader:
        return made, reader.rows(0, made.height).copy()


def test_luma_is_what_libjpeg_decodes(tmp_path):
    """The luma engine gives the JPEG's own luma, also where it stops early."""
    data = sources.jpeg(PHOTO)
    expected = simplejpeg.decode_jpeg(data, colorspace="GRAY", fastdct=False, fastupsample=False)
    made, reader = opened(tmp_path, data, "grayscale", until=100)
    assert made.engine == "luma"
    with reader:
        np.testing.assert_array_equal(reader.rows(50, 100), expected[50:100])
        assert 100 <= len(reader._pixels) < made.height
        np.testing.assert_array_equal(reader.rows(90, 300), expected[90:])
        assert len(reader._pixels) == made.height


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("make", [sources.png, sources.tiff])
def test_lossless_sources_decode_to_their_pixels(tmp_path, make, channels, depth):
    """Every mode and depth comes out as it went in."""
    pixels = strategies.picture(RANDOM, (37, 23, channels), depth)
    made, rows = whole(tmp_path, make(pixels))
    assert made.engine == "stream"
    assert rows.dtype == pixels.dtype
    np.testing.assert_array_equal(rows, pixels)


def test_one_bit_and_palette_are_expanded(tmp_path):
    """A bilevel PNG gives 0 and 255, a palette its colours."""
    bilevel = np.where(PHOTO[..., :1] > 100, np.uint8(255), np.uint8(0))
    data = sources.vips(bilevel).pngsave_buffer(bitdepth=1)
    np.testing.assert_array_equal(whole(tmp_path, data)[1], bilevel)
    out = io.BytesIO()
    flags = Image.new("P", (4, 2))
    flags.putpalette([255, 0, 0, 0, 128, 7])
    flags.putdata([0, 1, 0, 1, 1, 0, 1, 0])
    flags.save(out, "png")
    rows = whole(tmp_path, out.getvalue())[1]
    assert rows[0, :2].tolist() == [[255, 0, 0], [0, 128, 7]]


def test_cmyk_becomes_srgb(tmp_path):
    """Ink is turned into light: no ink is white, all black ink is dark, cyan ink is no red."""
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, 16:32, 3] = 255
    inks[:, 32:, 0] = 255
    made, rows = whole(tmp_path, sources.jpeg(inks))
    assert (made.engine, made.mode) == ("stream", "RGB")
    white, black, cyan = rows[8, 8], rows[8, 24], rows[8, 40]
    assert white.min() > 245
    assert black.max() < 70
    assert cyan[0] < 80 < cyan[2]


@pytest.mark.parametrize(
    ("make", "mode"),
    [
        (lambda: sources.jpeg(PHOTO, progressive=True), "RGB"),
        (lambda: sources.png(PHOTO, interlace=True), "RGB"),
        (lambda: sources.webp(PHOTO), "RGB"),
        (lambda: sources.vips(PHOTO).heifsave_buffer(compression="av1", effort=0), "RGB"),
    ],
)
def test_map_decodes_once_for_all_readers(tmp_path, make, mode):
    """Readers share one raw file, go up and down in it, and the last one removes it."""
    data = make()
    made, first = opened(tmp_path, data)
    assert (made.engine, made.mode) == ("map", mode)
    with first:
        expected = first.rows(0, made.height).copy()
        (raw,) = (tmp_path / "cache").iterdir()
        stamp = raw.stat().st_mtime_ns
        second = open_reader(tmp_path / "source", made, start=0, until=9, cache=tmp_path / "cache")
        np.testing.assert_array_equal(second.rows(100, 150), expected[100:150])
        np.testing.assert_array_equal(second.rows(10, 20), expected[10:20])
        assert raw.stat().st_mtime_ns == stamp
        second.close()
        second.close()
        assert raw.exists()
    assert not raw.exists()
    np.testing.assert_array_equal(expected, sources.decoded(data))


def test_map_does_not_trust_half_a_file(tmp_path):
    """What a killed worker left behind is decoded anew."""
    data = sources.webp(PHOTO)
    made, reader = opened(tmp_path, data)
    raw = next((tmp_path / "cache").iterdir())
    whole_file = raw.read_bytes()
    reader.close()
    raw.write_bytes(whole_file[:1000])
    with open_reader(tmp_path / "source", made, start=0, until=9, cache=tmp_path / "cache") as again:
        np.testing.assert_array_equal(again.rows(0, made.height), PHOTO)


def test_gif_gives_the_channels_of_its_header(tmp_path):
    """A GIF is colour, and has alpha where its header says so, whatever its palette holds."""
    out = io.BytesIO()
    Image.new("P", (12, 9), 1).save(out, "gif", transparency=1)
    made, rows = whole(tmp_path, out.getvalue())
    assert rows.shape == (9, 12, 4)
    assert rows[..., 3].max() == 0
    out = io.BytesIO()
    Image.new("L", (12, 9), 77).save(out, "gif")
    made, rows = whole(tmp_path, out.getvalue())
    assert (made.mode, rows.shape) == ("RGB", (9, 12, 3))
    assert (rows == 77).all()


def test_stream_keeps_the_last_rows_and_says_what_is_gone(tmp_path):
    """Rows of the call before are at hand; those above are gone for good."""
    made, reader = opened(tmp_path, sources.png(PHOTO), start=20)
    with reader:
        np.testing.assert_array_equal(reader.rows(30, 60), PHOTO[30:60])
        np.testing.assert_array_equal(reader.rows(40, 50), PHOTO[40:50])
        np.testing.assert_array_equal(reader.rows(55, 90), PHOTO[55:90])
        with pytest.raises(Rewind):
            reader.rows(54, 95)
    assert made.engine == "stream"


def test_stream_goes_beyond_the_rows_it_was_told_of(tmp_path):
    """The end of a run is a hint: a lane that takes over more rows gets them."""
    _, reader = opened(tmp_path, sources.png(PHOTO), until=10)
    with reader:
        np.testing.assert_array_equal(reader.rows(0, 10), PHOTO[:10])
        np.testing.assert_array_equal(reader.rows(5, 300), PHOTO[5:])


def test_stream_stops_when_it_is_closed(tmp_path):
    """A reader nobody reads from ends its thread, more than once without harm."""
    large = np.zeros((3000, 1000, 3), np.uint8)
    _, reader = opened(tmp_path, sources.png(large))
    reader.rows(0, 1)
    reader.close()
    reader.close()
    assert not reader._push._thread.is_alive()


TRUNCATED = {
    "luma": ("grayscale", sources.jpeg(PHOTO)),
    "stream jpeg": ("invert", sources.jpeg(PHOTO)),
    "stream png": ("invert", sources.png(PHOTO)),
    "stream tiff": ("invert", sources.tiff(PHOTO)),
    "map jpeg": ("invert", sources.jpeg(PHOTO, progressive=True)),
    "map png": ("invert", sources.png(PHOTO, interlace=True)),
    "map webp": ("invert", sources.webp(PHOTO)),
}


def walk(path, made, cache):
    """Read all rows, strip by strip."""
    with open_reader(path, made, start=0, until=made.height, cache=cache) as reader:
        for top in range(0, made.height, 16):
            reader.rows(top, min(made.height, top + 16))


@pytest.mark.parametrize("name", TRUNCATED)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_files_are_bad_images(tmp_path, name, share):
    """The run that holds the last row finds out, with a sentence for the image's owner, and leaves nothing behind."""
    chain, data = TRUNCATED[name]
    path = tmp_path / "source"
    path.write_bytes(data)
    made = plan(probe(path), parse(chain), Request(format="png"), Limits(), tile_size=16, workers=1, busy=False)
    path.write_bytes(data[: int(len(data) * share)] if "tiff" not in name else data[:200] + data[-400:])
    with pytest.raises(BadImage, match="damaged or cut off"):
        walk(path, made, tmp_path / "cache")
    assert not list(tmp_path.glob("cache/*"))


def test_an_oddity_that_costs_no_pixels_is_no_damage(tmp_path):
    """Bytes before the end mark, which some cameras write, are passed over by every engine alike."""
    data = sources.jpeg(PHOTO)
    odd = data[:-2] + bytes(40) + data[-2:]
    for chain in ("grayscale", "invert"):
        np.testing.assert_array_equal(whole(tmp_path, odd, chain)[1], whole(tmp_path, data, chain)[1])


def test_an_oddity_in_the_middle_is_no_damage(tmp_path):
    """Bytes between two segments, which libvips warns of, cost a second pass and not a pixel."""
    for progressive in (False, True):
        data = sources.jpeg(PHOTO, progressive=progressive)
        at = data.index(b"\xff\xda")
        odd = data[:at] + b"junk" + data[at:]
        np.testing.assert_array_equal(whole(tmp_path, odd)[1], whole(tmp_path, data)[1])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("chain", ["grayscale", "invert"])
def test_missing_data_before_the_end_mark_is_damage(tmp_path, chain, progressive):
    """The decoder paints gray what is missing, and goes on; whoever sent the file is told instead."""
    data = sources.jpeg(PHOTO, progressive=progressive)
    path = tmp_path / "source"
    path.write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    made = plan(probe(path), parse(chain), Request(format="png"), Limits(), tile_size=16, workers=1, busy=False)
    with pytest.raises(BadImage, match="damaged or cut off"):
        walk(path, made, tmp_path / "cache")


class Broken:
    """A file that cannot be read any more after some bytes, as on a network share that goes away."""

    def __init__(self, file, good):
        self._file = file
        self._good = good

    def read(self, size):
        """Give bytes as long as it lasts."""
        self._good -= size
        if self._good < 0:
            raise OSError(EIO, "Input/output error")
        return self._file.read(size)

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_source_that_cannot_be_read_is_no_damage(tmp_path, monkeypatch, progressive):
    """What the file system says is raised as it is: the tile is tried again, the image is not called bad."""
    large = sources.jpeg(strategies.picture(RANDOM, (1500, 900, 3), 8), progressive=progressive)
    made, reader = opened(tmp_path, large)
    reader.close()
    make = libvips._Source.__init__
    monkeypatch.setattr(libvips._Source, "__init__", lambda self, file: make(self, Broken(file, len(large) // 2)))
    with pytest.raises(OSError, match="Input/output error"):
        walk(tmp_path / "source", made, tmp_path / "cache")


def test_a_source_that_is_gone_at_the_second_pass(tmp_path, monkeypatch):
    """A pass that breaks off for a reason that nobody foresaw is told to the reader, which would else wait for ever."""
    data = sources.jpeg(PHOTO)
    made, reader = opened(tmp_path, data[: len(data) // 2])
    reader.close()
    passes = []

    def once(*args, **options):
        passes.append(args)
        if len(passes) > 1:
            raise FileNotFoundError(ENOENT, "No such file or directory")
        return libvips_open(*args, **options)

    libvips_open = libvips.open_image
    monkeypatch.setattr(libvips, "open_image", once)
    monkeypatch.setattr(push, "only_odd", lambda _: True)  # of what ends the first pass
    with pytest.raises(FileNotFoundError):
        walk(tmp_path / "source", made, tmp_path / "cache")


def test_a_disk_that_fills_while_decoding_is_no_damage(tmp_path):
    """The folder for decoded images may be filled by others after it was looked at: the worker makes room then."""
    (tmp_path / "source").write_bytes(sources.jpeg(PHOTO, progressive=True))
    full = f"""
import resource, signal
from pathlib import Path
from tests.unit.test_imaging_decode import *
folder = Path({str(tmp_path)!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try:
    whole(folder, (folder / "source").read_bytes())
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run([sys.executable, "-c", full], capture_output=True, text=True, check=True)
    assert done.stdout == f"{ENOSPC}\n"


def test_messages_name_no_file_of_the_server(tmp_path):
    """Where the file lies is nobody's business, also where its folder has a space in its name."""
    folder = tmp_path / "my files"
    folder.mkdir()
    data = sources.avif(PHOTO)
    path = folder / "source"
    path.write_bytes(data)
    made = plan(probe(path), parse("invert"), Request(format="png"), Limits(), tile_size=16, workers=1, busy=False)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadImage) as caught:
        walk(path, made, tmp_path / "cache")
    assert "my files" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_another_image_under_the_plan_is_noticed(tmp_path):
    """A source that is not the planned one is refused rather than processed."""
    made, reader = opened(tmp_path, sources.png(PHOTO))
    reader.close()
    (tmp_path / "source").write_bytes(sources.png(PHOTO[:100]))
    with pytest.raises(BadImage):
        open_reader(tmp_path / "source", made, start=0, until=9, cache=tmp_path)


def test_a_profile_is_no_obstacle(tmp_path):
    """Pixels with a profile are processed in it: they come out as stored."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = sources.jpeg(PHOTO, icc_profile=profile)
    np.testing.assert_array_equal(whole(tmp_path, data)[1], whole(tmp_path, sources.jpeg(PHOTO))[1])


def test_a_warning_while_another_image_is_freed_ends_no_process(tmp_path):
    """Glib aborts the process at a warning within a warning: no code of Python's may run in one."""
    data = sources.jpeg(np.zeros((64, 64, 3), np.uint8))
    scan = data.rindex(b"\xff\xda")
    path = tmp_path / "in"
    path.write_bytes(data[:scan] + bytes(3) + data[scan:])  # libjpeg passes over such bytes, and counts a warning
    code = """
import gc, logging, pathlib, sys
from pixo.imaging import libvips

class Collect(logging.Handler):
    def emit(self, record):
        gc.collect()

def warned():
    opened = libvips.open_image(pathlib.Path(sys.argv[1]), "jpeg")
    opened.image.avg()
    return opened

logging.getLogger("pyvips").addHandler(Collect())
gc.disable()
cycle = [warned()]
cycle.append(cycle)
del cycle
warned()
"""
    done = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_libvips_that_is_too_old_is_named(monkeypatch):
    """A system's own, against which pyvips was built, gives failures that look like damaged images."""
    monkeypatch.setattr(libvips.pyvips, "version", (8, 14, 1).__getitem__)
    with pytest.raises(ConfigError, match=r"libvips 8\.14 is loaded, and 8\.18 is needed"):
        libvips.set_up.__wrapped__()
