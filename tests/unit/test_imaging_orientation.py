"""Filters that know up from down mean the image as it is shown, though its pixels are filtered as they are stored."""

import io

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageOps

from pixo.imaging import strips
from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.filters import Place
from pixo.imaging.limits import Limits
from pixo.imaging.plan import Plan
from pixo.imaging.planner import Request
from pixo.imaging.probe import probe
from tests import strategies
from tests.plans import striped

ORIENTATION = 0x0112
SHOWN = strategies.picture(np.random.default_rng(6), (23, 31, 3), 8)
TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What undoes the turn that a viewer makes, by orientation."""


def embossed(path, form="png"):
    """Give the pixels of the file's embossed image, as a viewer shows them."""
    out = io.BytesIO()
    apply(path, parse("emboss"), Request(format=form), Limits(), out.write)
    return np.asarray(ImageOps.exif_transpose(Image.open(out)))


def save(path, form, pixels, orientation, **options):
    """Write a file that is shown as these pixels, stored by another orientation."""
    image = Image.fromarray(pixels)
    turn = TO_STORED[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    (image if turn is None else image.transpose(turn)).save(path, form, exif=exif, **options)


@pytest.mark.parametrize("form", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", TO_STORED)
def test_emboss_is_lit_from_the_upper_left_of_what_is_shown(orientation, form, tmp_path):
    """However the pixels are stored, the image shown is the one that an upright file gives."""
    path = tmp_path / "picture"
    save(path, form, SHOWN, orientation, **({"lossless": True} if form == "webp" else {}))
    height, width, _ = SHOWN.shape

    upright = strips.apply(parse("emboss"), SHOWN, Place(y0=0, width=width, height=height))

    assert probe(path).orientation == orientation
    np.testing.assert_array_equal(embossed(path), upright)


def test_pixels_that_decoding_turns_are_upright(tmp_path):
    """AVIF's turns are made by its decoder: what is filtered is what is shown, and nothing is turned twice."""
    ramp = np.zeros((40, 60, 3), np.uint8)
    ramp[10:30, 20:40] = 160
    path = tmp_path / "picture"
    save(path, "avif", ramp, 6, quality=100)

    found = embossed(path).astype(int)

    assert probe(path).orientation == 1
    assert found.shape == ramp.shape
    assert found[10, 20, 0] > found[29, 39, 0] + 50


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_is_none_is_upright(orientation, tmp_path):
    """EXIF that names no side counts as if it were not there."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "picture"
    Image.fromarray(SHOWN).save(path, "png", exif=exif)

    assert probe(path).orientation == 1


def test_a_plan_of_an_older_version_is_upright():
    """What is recorded without orientation is filtered as it was."""
    recorded = msgspec.to_builtins(striped(30))
    del recorded["orientation"]

    assert msgspec.json.decode(msgspec.json.encode(recorded), type=Plan).orientation == 1
