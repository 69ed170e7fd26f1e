"""Small pictures of large ones."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pixo.errors import BadImage, Refusal
from pixo.imaging import preview as previews
from pixo.imaging.preview import preview
from tests import sources

RNG = np.random.default_rng(7)


def noise(height, width, channels, dtype=np.uint8):
    """Give pixels whose mean is known and whose detail is not kept."""
    return RNG.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)


def gif(pixels):
    """Give a GIF file of the pixels."""
    return sources.vips(pixels).gifsave_buffer(effort=1)


def shown(data, size=64):
    """Give the preview of a file, opened."""
    image = Image.open(io.BytesIO(preview(io.BytesIO(data), size)))
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize("make", [sources.jpeg, sources.png, sources.tiff, sources.webp, sources.avif])
def test_it_fits_and_looks_alike(make):
    """Its longer side is what was asked for, its shape the image's, and so are its colours."""
    pixels = noise(300, 1200, 3) // 4 + np.array([160, 90, 20], np.uint8)
    image = shown(make(pixels))

    assert image.size == (64, 16)
    assert np.abs(np.asarray(image, float).mean((0, 1)) - pixels.mean((0, 1))).max() < 6


@pytest.mark.parametrize(("width", "size"), [(130, 64), (260, 64), (520, 64), (1040, 64), (1100, 64), (5000, 16)])
def test_a_jpeg_that_shrinks_while_it_is_decoded(width, size):
    """Whatever part of the way the decoder goes, the size is right."""
    assert shown(sources.jpeg(noise(width // 2, width, 3)), size).size == (size, size // 2)


@pytest.mark.parametrize(("height", "width"), [(1, 5000), (3, 5000), (5000, 3), (4000, 70)])
@pytest.mark.parametrize("make", [sources.jpeg, sources.png])
def test_thin_images(make, height, width):
    """A side that all but vanishes leaves a pixel."""
    image = shown(make(noise(height, width, 3)))
    assert max(image.size) == 64
    assert min(image.size) == max(1, round(64 * min(height, width) / max(height, width)))


def test_a_small_image_keeps_its_size():
    """Nothing is enlarged."""
    assert shown(sources.png(noise(9, 31, 1))).size == (31, 9)


def test_all_kinds_of_pixels():
    """Gray, alpha, 16 bits and CMYK come out as JPEG can hold them; what is transparent is white."""
    clear = np.zeros((200, 200, 4), np.uint8)
    deep = np.full((200, 200, 3), 0x8040, np.uint16)

    assert np.ptp(np.asarray(shown(sources.png(noise(200, 200, 1)))), axis=2).max() < 4
    assert np.asarray(shown(sources.png(clear)).convert("L")).min() > 250
    assert np.abs(np.asarray(shown(sources.png(deep)), float).mean() - 0x80) < 3
    assert shown(sources.jpeg(noise(200, 200, 4))).mode == "RGB"


def test_it_is_upright():
    """A picture that was taken on its side is turned, and says no more that it was."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = shown(sources.jpeg(noise(100, 400, 3), exif=exif))

    assert image.size == (16, 64)
    assert not image.getexif()


def test_what_would_take_too_much_memory(monkeypatch):
    """It is refused before it is decoded, with what it would take."""
    monkeypatch.setattr(previews, "MOST", 100_000)
    with pytest.raises(Refusal) as caught:
        preview(io.BytesIO(sources.jpeg(noise(200, 200, 3), progressive=True)), 64)

    assert (caught.value.kind, caught.value.measured, caught.value.limit) == ("no-preview", 7 * 200 * 200, 100_000)


WIDE = """
import io, resource
import pyvips
from pixo.imaging.preview import preview
image = pyvips.Image.black(100_000, 300, bands=4).copy(interpretation="srgb")
data = io.BytesIO(image.pngsave_buffer(compression=1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
preview(data, 2048)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
"""


def test_what_it_takes():
    """A wide image takes what its decoder holds, and hardly more: not another thousand of its rows."""
    done = subprocess.run([sys.executable, "-c", WIDE], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 130


@pytest.mark.parametrize(("form", "make"), [("JPEG", sources.jpeg), ("GIF", gif)])
def test_what_is_damaged(form, make):
    """An image that breaks off is not shown in part."""
    data = make(noise(600, 600, 3))
    with pytest.raises(BadImage, match=f"The {form} cannot be decoded"):
        preview(io.BytesIO(data[: len(data) // 2]), 64)


def test_a_file_that_cannot_be_read_any_more():
    """What the file says is raised, not what the decoder makes of it."""

    class Away(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() > 50_000:
                raise OSError("away")
            return super().read(min(size, 4096))

    with pytest.raises(OSError, match="away"):
        preview(Away(sources.png(noise(600, 600, 3))), 64)
