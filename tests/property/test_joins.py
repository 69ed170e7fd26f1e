"""Joins compared with encoders and decoders that know nothing of tiles."""

import io
from zlib import adler32

import cv2
import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixo.errors import BadPiece
from pixo.imaging.encode import encode
from pixo.imaging.join import join, png
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Output, Plan


@st.composite
def images(draw, piece):
    """Draw a plan and pixels for it: noise, or noise so faint that most of it is flat, from 1x1 on."""
    mode = draw(st.sampled_from(["L", "RGB"] if piece == "jpeg" else ["L", "LA", "RGB", "RGBA"]))
    depth = 8 if piece == "jpeg" else draw(st.sampled_from([8, 16]))
    width, height = draw(st.integers(1, 513)), draw(st.integers(1, 200))
    plan = Plan(
        width=width,
        height=height,
        source="png",
        engine="stream",
        mode=mode,
        depth=depth,
        chain="",
        out_mode=mode,
        output=Output(format=piece, quality=draw(st.integers(1, 100))),
        piece=piece,
        rows=16 * draw(st.integers(1, 8)),
        skip=0.0,
        seconds=0.0,
    )
    top = draw(st.sampled_from([2, 2**depth]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pixels = random.integers(0, top, (height, width, len(mode)), np.uint16 if depth == 16 else np.uint8)
    return plan, pixels


def pieces(plan, pixels):
    """Encode every tile of an image."""
    return [encode(pixels[slice(*plan.box(tile))], plan) for tile in range(plan.tiles)]


def joined(plan, segments):
    """Join segments in memory."""
    out = io.BytesIO()
    join(plan, Metadata(), segments, out.write)
    return out.getvalue()


def by_vips(data):
    """Decode with libvips, which refuses whatever it would warn about."""
    return pyvips.Image.new_from_buffer(data, "", fail_on="warning").numpy()


def by_opencv(data):
    """Decode with OpenCV, in its own order of colours."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def by_pillow(data):
    """Decode with Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@given(images("jpeg"))
def test_a_joined_jpeg_decodes_to_what_the_whole_image_encodes_to(case):
    """Three decoders see no difference between joined strips and the same encoder's JPEG of the whole image."""
    plan, pixels = case
    segments = pieces(plan, pixels)
    file = joined(plan, segments)
    whole = encode(pixels, Plan(**{f: getattr(plan, f) for f in plan.__struct_fields__} | {"rows": plan.height}))
    for decode in (by_vips, by_opencv, by_pillow):
        assert np.array_equal(decode(file), decode(whole))
    assert (b"\xff\xdd\x00\x04" in file) == (plan.tiles > 1)
    if plan.tiles == 1:
        assert file == whole


@given(images("png"))
def test_a_joined_png_holds_exactly_the_pixels_that_went_in(case):
    """Three decoders give back every sample, as far as each one knows the mode and the depth."""
    plan, pixels = case
    file = joined(plan, pieces(plan, pixels))
    assert np.array_equal(by_vips(file).reshape(pixels.shape), pixels)
    if plan.depth == 8 or plan.out_mode == "L":
        assert np.array_equal(by_pillow(file).reshape(pixels.shape), pixels)
    found = by_opencv(file).reshape(plan.height, plan.width, -1)
    if found.shape[2] == 3:
        found = found[:, :, ::-1]
    elif found.shape[2] == 4:
        found = found[:, :, [2, 1, 0, 3] if plan.out_mode == "RGBA" else [0, 3]]
    assert np.array_equal(found, pixels)


@given(st.sampled_from(["jpeg", "png"]).flatmap(images), st.data())
def test_a_piece_cut_off_anywhere_is_refused(case, data):
    """However few bytes a stored piece has lost, the join names its tile."""
    plan, pixels = case
    segments = pieces(plan, pixels)
    tile = data.draw(st.integers(0, plan.tiles - 1))
    segments[tile] = segments[tile][: data.draw(st.integers(0, len(segments[tile]) - 1))]
    with pytest.raises(BadPiece) as caught:
        joined(plan, segments)
    assert caught.value.tile == tile


@given(images("png"), st.data())
def test_a_flipped_bit_in_a_png_piece_is_refused(case, data):
    """Every bit of a PNG segment is covered by a checksum that the join looks at."""
    plan, pixels = case
    segments = pieces(plan, pixels)
    tile = data.draw(st.integers(0, plan.tiles - 1))
    broken = bytearray(segments[tile])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    segments[tile] = bytes(broken)
    with pytest.raises(BadPiece) as caught:
        joined(plan, segments)
    assert caught.value.tile == tile


@given(st.binary(), st.binary(), st.integers(0, 70_000))
def test_adler_of_two_runs_is_adler_of_both_together(first, second, zeros):
    """The combined checksum equals zlib's over the whole, also where the length passes the modulus."""
    second += bytes(zeros)
    assert png.combine(adler32(first), adler32(second), len(second)) == adler32(first + second)
