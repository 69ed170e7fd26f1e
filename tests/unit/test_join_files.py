"""What the join of tiles promises beside the pixels: order, memory, refusals, formats."""

import io
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import pyvips
from msgspec.structs import replace
from PIL import Image, JpegImagePlugin

from pixo.errors import BadImage, BadPiece, TryAgain
from pixo.imaging.encode import encode
from pixo.imaging.join import finish, join, picture, transcode
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Output, Plan

HEIGHT, WIDTH = 75, 90


def plan_for(form, mode="RGB", depth=8, quality=85, rows=16):
    """Give a plan of a small image."""
    return Plan(
        width=WIDTH,
        height=HEIGHT,
        source="png",
        engine="stream",
        mode=mode,
        depth=depth,
        chain="",
        out_mode=mode,
        output=Output(format=form, quality=quality),
        piece="jpeg" if form == "jpeg" else "png",
        rows=rows,
        skip=0.0,
        seconds=0.0,
    )


def pixels_for(plan):
    """Give smooth pixels with a little noise."""
    random = np.random.default_rng(7)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    base = (rows + columns)[:, :, None] + 20 * np.arange(len(plan.out_mode))
    kind = np.uint16 if plan.depth == 16 else np.uint8
    return (base + random.integers(0, 3, base.shape)).astype(kind) << (plan.depth - 8)


def pieces_for(plan, pixels):
    """Encode all tiles."""
    return [encode(pixels[slice(*plan.box(tile))], plan) for tile in range(plan.tiles)]


def joined(plan, segments, metadata=None):
    """Join in memory."""
    out = io.BytesIO()
    join(plan, metadata or Metadata(), segments, out.write)
    return out.getvalue()


@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_a_join_asks_for_a_piece_only_when_the_one_before_is_written(form):
    """One piece at a time: that is what bounds the memory."""
    plan = plan_for(form)
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    segments = pieces_for(plan, noise)
    written, asked = [0], []

    def write(data):
        written[0] += len(data)

    def one_by_one():
        for segment in segments:
            asked.append(written[0])
            yield segment

    join(plan, Metadata(), one_by_one(), write)
    grown = [after - before for before, after in pairwise(asked)]
    assert all(bytes_ > len(piece) / 2 for bytes_, piece in zip(grown, segments, strict=False))
    assert len(asked) == plan.tiles


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
def test_a_missing_piece_is_named(form):
    """A join of too few pieces raises BadPiece with the first tile that is not there."""
    plan = plan_for(form)
    with pytest.raises(BadPiece) as caught:
        joined(plan, pieces_for(plan, pixels_for(plan))[:-2])
    assert caught.value.tile == plan.tiles - 2


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
def test_a_piece_too_much_is_refused(form):
    """A join of more pieces than tiles raises BadPiece."""
    plan = plan_for(form)
    segments = pieces_for(plan, pixels_for(plan))
    with pytest.raises(BadPiece):
        joined(plan, [*segments, segments[0]])


@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_a_piece_of_another_size_is_refused(form):
    """The last, lower tile in the place of a full one does not pass."""
    plan = plan_for(form)
    segments = pieces_for(plan, pixels_for(plan))
    segments[1] = segments[-1]
    with pytest.raises(BadPiece) as caught:
        joined(plan, segments)
    assert caught.value.tile == 1


def test_a_jpeg_piece_of_another_quality_is_refused():
    """Strips that do not share tables cannot be one JPEG."""
    plan = plan_for("jpeg")
    segments = pieces_for(plan, pixels_for(plan))
    segments[2] = pieces_for(plan_for("jpeg", quality=60), pixels_for(plan))[2]
    with pytest.raises(BadPiece) as caught:
        joined(plan, segments)
    assert caught.value.tile == 2


def test_a_marker_inside_a_scan_is_refused():
    """A JPEG strip that would end its interval early does not pass."""
    plan = plan_for("jpeg")
    segments = pieces_for(plan, pixels_for(plan))
    segments[1] = segments[1][:-2] + b"\xff\xd0\x00" + segments[1][-2:]
    with pytest.raises(BadPiece) as caught:
        joined(plan, segments)
    assert caught.value.tile == 1


@pytest.mark.parametrize(("quality", "sampling"), [(89, 2), (90, 0)])
def test_colour_is_halved_below_quality_90_only(quality, sampling):
    """JPEG is 4:2:0 below 90 (Pillow's number 2), 4:4:4 from there on (0)."""
    plan = plan_for("jpeg", quality=quality)
    with Image.open(io.BytesIO(joined(plan, pieces_for(plan, pixels_for(plan))))) as image:
        assert JpegImagePlugin.get_sampling(image) == sampling


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_holds_exactly_the_pixels(mode, depth):
    """TIFF finals are lossless, in every mode and depth."""
    plan = plan_for("tiff", mode, depth)
    pixels = pixels_for(plan)
    found = pyvips.Image.new_from_buffer(joined(plan, pieces_for(plan, pixels)), "", fail_on="warning")
    assert np.array_equal(found.numpy().reshape(pixels.shape), pixels)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_webp_looks_like_the_pixels(mode):
    """WebP finals are lossy, but near; gray becomes RGB, since WebP has no gray."""
    plan = plan_for("webp", mode, quality=90)
    pixels = pixels_for(plan)
    found = pyvips.Image.new_from_buffer(joined(plan, pieces_for(plan, pixels)), "", fail_on="warning").numpy()
    colours = found[:, :, : max(3, len(mode))].astype(int)
    assert np.abs(colours[:, :, :3] - pixels[:, :, :3]).mean() < 4


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_lossless_webp_holds_exactly_the_pixels(mode):
    """Under full transparency too; gray comes back as its three colours."""
    plan = plan_for("webp", mode)
    plan = replace(plan, output=replace(plan.output, lossless=True))
    pixels = pixels_for(plan)
    if mode.endswith("A"):
        pixels[::2, :, -1] = 0
    found = pyvips.Image.new_from_buffer(joined(plan, pieces_for(plan, pixels)), "", fail_on="warning").numpy()
    colours, alpha = (pixels[:, :, :-1], pixels[:, :, -1:]) if mode.endswith("A") else (pixels, pixels[:, :, :0])
    assert np.array_equal(found, np.dstack([np.broadcast_to(colours, (*colours.shape[:2], 3)), alpha]))


def test_what_the_source_of_pieces_raises_comes_through_the_encoder():
    """An error of the store while pieces are read is not taken for a broken image."""
    plan = plan_for("tiff")
    segments = pieces_for(plan, pixels_for(plan))

    def failing():
        yield segments[0]
        raise ConnectionError("the store is gone")

    with pytest.raises(ConnectionError, match="the store is gone"):
        joined(plan, failing())


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_one_tile_is_a_picture_of_its_own(form):
    """A single segment becomes a file with that tile's rows, the last, lower one too."""
    plan = plan_for(form)
    last = plan.tiles - 1
    piece = pieces_for(plan, pixels_for(plan))[last]
    with Image.open(io.BytesIO(picture(plan, last, piece))) as image:
        image.load()
        assert image.size == (WIDTH, HEIGHT - 16 * last)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("metadata", [Metadata(), Metadata(density=(11.8, 11.8), comments=(b"by hand",))])
def test_an_only_tile_is_finished_as_it_would_be_joined(form, metadata):
    """What its worker makes of it has the bytes of a join, with something to say about it or not."""
    plan = plan_for(form, rows=80)
    [piece] = pieces_for(plan, pixels_for(plan))
    assert finish(plan, metadata, piece) == joined(plan, [piece], metadata)


def test_pixels_that_are_not_the_plans_are_refused():
    """Encoding checks width, channels and depth, so that a wrong piece is never stored."""
    plan = plan_for("png")
    for wrong in ((16, WIDTH - 1, 3), (16, WIDTH, 4), (17, WIDTH, 3), (0, WIDTH, 3)):
        with pytest.raises(ValueError, match="pixels of"):
            encode(np.zeros(wrong, np.uint8), plan)
    with pytest.raises(ValueError, match="for 8 bits"):
        encode(np.zeros((16, WIDTH, 3), np.uint16), plan)


def test_joining_needs_no_pixel_library():
    """The results role stays small: neither numpy nor OpenCV nor an encoder is loaded for a join."""
    code = "import sys, pixo.imaging.join; print(sorted({'numpy', 'cv2', 'simplejpeg', 'PIL'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "error"), [("picture too large", BadImage), ("target: write error; No space left on device", TryAgain)]
)
def test_an_encoder_that_refuses_is_no_missing_piece(monkeypatch, words, error):
    """The image cannot be written, ever or while the disk is full: that is said, and no sound tile is made again."""
    plan = plan_for("webp")

    def refuse(*_):
        raise pyvips.Error("unable to call webpsave_target", words)

    monkeypatch.setattr(transcode, "_encode", refuse)
    with pytest.raises(error, match="cannot be written as webp"):
        joined(plan, pieces_for(plan, pixels_for(plan)))
