"""Plans: tiles, engines, formats, refusals, and the lanes' runs."""

import itertools
from contextlib import suppress
from math import ceil, lcm

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pixo.errors import Refusal
from pixo.imaging import memory
from pixo.imaging.chain import parse
from pixo.imaging.geometry import MAX_MCUS, TILE_BYTES, reached
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan, runs
from pixo.imaging.probe import Header

PHOTO = Header(format="jpeg", width=5120, height=2880, mode="RGB", depth=8, streams=True, baseline_jpeg=True)
PNG = Header(format="png", width=5120, height=2880, mode="RGBA", depth=8, streams=True)

WEBP = Header(format="webp", width=300, height=300, mode="RGBA", depth=8, streams=False, lossless=True)


def planned(header=PHOTO, chain="grayscale", request=None, limits=None, **options):
    """Plan with the service's defaults."""
    return plan(
        header,
        parse(chain),
        request or Request(),
        limits or Limits(),
        **{"tile_size": None, "workers": 2, "busy": False, **options},
    )


@given(
    width=st.integers(1, 100_000),
    height=st.integers(1, 100_000),
    mode=st.sampled_from(["L", "RGB"]),
    form=st.sampled_from(["jpeg", "png"]),
    chain=st.sampled_from(["none", "blur:sigma=4", "pixelate:size=7", "median", "blur:sigma=20,box:radius=50"]),
    tile_size=st.none() | st.integers(16, 5000),
    workers=st.integers(0, 64),
    busy=st.booleans(),
)
def test_tiles_keep_every_bound(width, height, mode, form, chain, tile_size, workers, busy):
    """Tiles cover each row once; heights fit MCUs, cells, halo, restart intervals and memory."""
    if form == "jpeg":
        width, height = min(width, 65_500), min(height, 65_500)
    depth = 8 if form == "jpeg" else 16
    header = Header(format=form, width=width, height=height, mode=mode, depth=depth, streams=True)
    limits = Limits(max_pixels=10**10, max_aspect=10**6, max_tile_bytes=1 << 40)
    made = planned(header, chain, None, limits, tile_size=tile_size, workers=workers, busy=busy)
    steps = parse(chain)
    halo, cell = steps.halo(depth), lcm(16, steps.align())

    boxes = [made.box(tile) for tile in range(made.tiles)]
    assert boxes[0][0] == 0
    assert boxes[-1][1] == height
    assert all(a[1] == b[0] and a[0] < a[1] for a, b in itertools.pairwise(boxes))
    assert made.rows % 16 == 0
    restart = width <= 65_500 and form == "jpeg"
    mcu = 8 if made.out_mode == "L" else 16
    mcus = ceil(width / mcu) * (made.rows // mcu)
    assert not restart or made.tiles == 1 or mcus <= MAX_MCUS
    assert made.rows % cell == 0 or (restart and ceil(width / mcu) * (cell // mcu) > MAX_MCUS)
    size = width * len(mode) * depth // 8
    if made.tiles > 1 and made.rows > 4 * halo + cell:
        assert made.rows * size <= TILE_BYTES
    if tile_size is not None and made.tiles > 1 and made.rows * width < tile_size**2:
        # Smaller than asked for: the next step up would break a bound.
        more = made.rows + cell
        assert more * size > TILE_BYTES or (restart and ceil(width / mcu) * (more // mcu) > MAX_MCUS)


WIDE = replace(PNG, width=40_000, height=8_000, mode="RGB")
TWO_BLURS = "blur:sigma=50,blur:sigma=50"
POD = Limits(max_tile_bytes=350_000_000)
"""What the chart gives a worker."""


@pytest.mark.parametrize(
    ("header", "chain"),
    [
        (WIDE, "blur:sigma=30"),
        (WIDE, "blur:sigma=35,pixelate:size=112"),
        (replace(WIDE, width=24_000, mode="RGBA", depth=16), "blur:sigma=10,box:radius=20"),
        (replace(WIDE, format="jpeg"), "blur:sigma=40"),
        (replace(WIDE, format="tiff", held=250_000_000), "blur:sigma=15"),
        (replace(WIDE, width=19_000, height=12_400, format="jpeg"), TWO_BLURS),
    ],
)
def test_tiles_of_wide_images_are_as_low_as_memory_asks_for(header, chain):
    """They keep to the bound, are no lower than that, and half as high as their halo at the least."""
    free = planned(header, chain, limits=Limits(max_tile_bytes=1 << 40))
    made = planned(header, chain, limits=POD)
    steps = parse(chain)
    step = lcm(16, steps.align())

    assert free.held > POD.max_tile_bytes >= made.held
    assert made.rows % step == 0
    assert made.rows >= steps.halo(header.depth) / 2
    row = (free.held - made.held) / (free.rows - made.rows)
    assert made.held + step * row > POD.max_tile_bytes
    assert replace(made, rows=free.rows, held=free.held, kept=free.kept, skip=free.skip, seconds=free.seconds) == free


@given(
    width=st.integers(1, 100_000),
    height=st.integers(1, 100_000),
    mode=st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    depth=st.sampled_from([8, 16]),
    chain=st.sampled_from(
        ["invert", "blur:sigma=4", "pixelate:size=31", "blur:sigma=30,pixelate:size=29", "blur:sigma=50,box:radius=50"]
    ),
    busy=st.booleans(),
    bound=st.integers(1 << 22, 1 << 31),
)
def test_tiles_keep_to_memory_and_only_what_fits_into_none_is_refused(width, height, mode, depth, chain, busy, bound):
    """Plans of what fits are as they are without the bound."""
    header = replace(PNG, width=width, height=height, mode=mode, depth=depth)
    limits = Limits(max_pixels=10**10, max_aspect=10**6, max_tile_bytes=1 << 40)
    steps = parse(chain)
    align, halo = steps.align(), steps.halo(depth)

    def taken(rows):
        window = reached(rows, height, align=align, halo=halo)
        return memory.reader(header, "stream", mode) + window * memory.row(header, steps, mode)

    free = planned(header, chain, limits=limits, busy=busy)
    assert free.held == taken(free.rows)
    assert free.kept < free.held
    lowest = ceil(max(halo // 2, 1) / 16) * 16
    bounded = replace(limits, max_tile_bytes=bound)
    if taken(lowest) > bound and free.held > bound:
        with suppress(Refusal):
            assert planned(header, chain, limits=bounded, busy=busy).held <= bound
    else:
        made = planned(header, chain, limits=bounded, busy=busy)
        assert made.held == taken(made.rows) <= bound
        assert (made == free) == (free.held <= bound)


def test_a_low_image_that_fits_is_planned_as_ever():
    """Although a row of its cells, were there so many rows, would not fit."""
    header = replace(WIDE, width=100_000, height=300, mode="RGBA", depth=16)
    free = planned(header, "pixelate:size=29", limits=Limits(max_tile_bytes=1 << 40))
    assert free == planned(header, "pixelate:size=29", limits=Limits(max_tile_bytes=free.held))


def test_what_no_tile_can_hold_is_refused():
    """Of the lowest tile, half as high as the halo, the measured bytes are told, and these are enough."""
    with pytest.raises(Refusal) as refusal:
        planned(WIDE, TWO_BLURS, limits=POD)
    needed = refusal.value.measured
    assert (refusal.value.kind, refusal.value.setting) == ("too-many-pixels", "PIXO_MAX_TILE_BYTES")
    assert f"{needed:,}" in str(refusal.value)
    with pytest.raises(Refusal):
        planned(WIDE, TWO_BLURS, limits=Limits(max_tile_bytes=needed - 1))
    made = planned(WIDE, TWO_BLURS, limits=Limits(max_tile_bytes=needed))
    assert (made.held, made.rows) == (needed, ceil(400 / 2 / 16) * 16)


def test_what_a_tile_takes_counts_decoder_and_filters():
    """Strips of a TIFF, more filters, and the colours that there are between gray and gray."""
    gray = replace(WIDE, mode="L")
    tiff = replace(WIDE, format="tiff")
    taken = [
        planned(header, chain).held
        for header, chain in (
            (gray, "box:radius=20"),
            (gray, "sepia,box:radius=20,grayscale"),
            (WIDE, "box:radius=20"),
            (WIDE, "box:radius=20,invert"),
            (tiff, "box:radius=20,invert"),
            (replace(tiff, held=500_000_000), "box:radius=20,invert"),
        )
    ]
    assert all(more > less * 1.1 for less, more in itertools.pairwise(taken))


def test_area_follows_the_load():
    """A lone job has a few tiles a worker; a job among others has large ones; a caller's size is taken."""
    alone, busy, asked = (planned(chain="blur", **options) for options in ({}, {"busy": True}, {"tile_size": 512}))
    assert alone.tiles == 8
    assert busy.tiles < alone.tiles
    assert asked.rows == ceil(512 * 512 / 5120 / 16) * 16


def test_little_work_is_not_cut():
    """A photo that is done sooner than tiles are handed out is one tile; where they are asked for, they come."""
    small = replace(PHOTO, width=1280, height=720)
    assert [planned(small, chain).tiles for chain in ("grayscale", "blur", "blur:sigma=40")] == [1, 1, 2]
    assert planned().lone
    assert planned(small, tile_size=512).tiles == 4


@pytest.mark.parametrize(
    ("header", "chain", "limits", "engine", "mode"),
    [
        (PHOTO, "grayscale", {}, "luma", "L"),
        (PHOTO, "invert", {}, "stream", "RGB"),
        (PHOTO, "grayscale", {"max_luma_pixels": 5120 * 2880 - 1}, "stream", "RGB"),
        (replace(PHOTO, mode="L"), "invert", {}, "luma", "L"),
        (replace(PHOTO, baseline_jpeg=False), "grayscale", {}, "stream", "RGB"),
        (replace(PHOTO, baseline_jpeg=False, streams=False), "grayscale", {}, "map", "RGB"),
        (PNG, "grayscale", {}, "stream", "RGBA"),
    ],
)
def test_engine_is_chosen_by_header_chain_and_limits(header, chain, limits, engine, mode):
    """Luma where it is enough and fits, else a stream where there can be one, else the map."""
    made = planned(header, chain, limits=Limits(**limits))
    assert (made.engine, made.mode) == (engine, mode)


@pytest.mark.parametrize(("cmyk", "each"), [(False, 7), (True, 10)])
def test_a_decoder_s_memory_is_bounded_by_what_it_takes_for_a_pixel(cmyk, each):
    """A progressive JPEG of four components takes more; the limit itself is taken."""
    header = replace(PHOTO, streams=False, baseline_jpeg=False, cmyk=cmyk)
    planned(header, limits=Limits(max_decoder_bytes=each * header.pixels))
    with pytest.raises(Refusal) as refusal:
        planned(header, limits=Limits(max_decoder_bytes=each * header.pixels - 1))
    assert refusal.value.measured == each * header.pixels
    assert refusal.value.setting == "PIXO_MAX_DECODER_BYTES"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (PHOTO, "jpeg"),
        (PNG, "png"),
        (replace(PNG, format="tiff"), "tiff"),
        (replace(PNG, streams=False, format="webp"), "webp"),
        (replace(PNG, streams=False, format="gif"), "png"),
        (replace(PNG, streams=False, format="avif"), "webp"),
        (replace(PNG, streams=False, format="avif", depth=16), "png"),
        (replace(PNG, streams=False, format="avif", width=20_000), "png"),
        (replace(PNG, streams=False, format="webp", width=8_000, height=5_001), "png"),
        (replace(PNG, streams=False, format="webp", lossless=True, width=2_000, height=3_334), "png"),
    ],
)
def test_keep_keeps_the_format_or_its_nearest(header, form):
    """What Pixo cannot write becomes what holds the same pixels."""
    made = planned(header, "invert")
    assert made.output.format == form
    assert made.piece == ("jpeg" if form == "jpeg" else "png")


@pytest.mark.parametrize(
    ("header", "request_", "quality", "lossless"),
    [
        (WEBP, Request(), 85, True),
        (WEBP, Request(format="webp"), 85, True),
        (WEBP, Request(quality=85), 85, False),
        (WEBP, Request(format="webp", quality=100), 100, False),
        (WEBP, Request(format="jpeg"), 85, False),
        (replace(WEBP, lossless=False), Request(), 85, False),
        (PNG, Request(format="webp"), 85, False),
        (PHOTO, Request(), 85, False),
        (PHOTO, Request(quality=60), 60, False),
    ],
)
def test_a_lossless_webp_stays_so_unless_a_quality_is_asked_for(header, request_, quality, lossless):
    """Whether by `keep` or by name; nothing else becomes lossless by itself."""
    output = planned(header, "invert", request_).output
    assert (output.quality, output.lossless) == (quality, lossless)


@pytest.mark.parametrize(
    ("mode", "background", "out_mode"),
    [("RGBA", "#ffffff", "RGB"), ("LA", "#808080", "L"), ("LA", "#ff0000", "RGB"), ("L", "#ff0000", "L")],
)
def test_jpeg_has_no_alpha(mode, background, out_mode):
    """Alpha is flattened; gray on a coloured background becomes colour."""
    request = Request(format="jpeg", background=background)
    assert planned(replace(PNG, mode=mode), "invert", request).out_mode == out_mode


@pytest.mark.parametrize(
    ("kind", "header", "request_", "limits"),
    [
        ("too-many-pixels", PHOTO, Request(), {"max_pixels": 100}),
        ("too-many-pixels", replace(PHOTO, streams=False, baseline_jpeg=False), Request(), {"max_mapped_pixels": 100}),
        ("too-many-pixels", replace(PNG, streams=False, format="avif", width=9_000, height=9_000), Request(), {}),
        ("too-many-pixels", replace(PNG, streams=False, mode="RGBA"), Request(), {"max_decoder_bytes": 1000}),
        ("too-large-for-format", replace(PNG, width=65_501), Request(format="jpeg"), {}),
        ("too-large-for-format", replace(PNG, height=16_384), Request(format="webp"), {}),
        ("too-many-pixels", replace(PNG, format="tiff", held=1001), Request(), {"max_decoder_bytes": 1000}),
        ("too-many-pixels", PNG, Request(format="webp"), {"max_webp_pixels": 100}),
        ("too-many-pixels", WEBP, Request(format="webp"), {"max_webp_pixels": 6 * 90_000 - 1}),
        ("depth-not-kept", replace(PNG, depth=16), Request(format="jpeg"), {}),
        ("depth-not-kept", replace(PNG, depth=16), Request(format="webp"), {}),
        ("bad-parameter", PNG, Request(background="red"), {}),
        ("bad-parameter", PNG, Request(quality=101), {}),
    ],
)
def test_refusals_say_what_and_how_much(kind, header, request_, limits):
    """What cannot be done is refused before anything is begun, with the measured value."""
    with pytest.raises(Refusal) as refusal:
        planned(header, "invert", request_, Limits(**limits))
    assert refusal.value.kind == kind
    assert refusal.value.measured is not None


@given(tiles=st.integers(1, 500), lanes=st.integers(1, 40), skip=st.floats(0, 1))
def test_runs_cover_every_tile_once(tiles, lanes, skip):
    """Runs are contiguous, not empty, at most as many as lanes, and not longer further down."""
    made = replace(planned(), height=tiles * 16, rows=16, skip=skip)
    cut = runs(made, lanes)
    assert 1 <= len(cut) <= lanes
    assert [tile for a, b in cut for tile in range(a, b)] == list(range(tiles))
    sizes = [b - a for a, b in cut]
    assert all(earlier >= later - 1 for earlier, later in itertools.pairwise(sizes))


def test_lanes_are_unequal_by_what_passing_over_costs():
    """Gray JPEG: the first of two lanes gets two thirds to three quarters; a PNG with a cheap chain has one lane."""
    photo = replace(planned(), height=16 * 100, rows=16)
    (_, end), _ = runs(photo, 2)
    assert 66 <= end <= 75
    assert len(runs(planned(replace(PNG, mode="RGB"), "grayscale", tile_size=128), 4)) == 1
    heavy = planned(PNG, "median:3,median:3", tile_size=128)
    assert len(runs(heavy, 2)) == 2
    assert [b - a for a, b in runs(replace(photo, skip=0.0), 4)] == [25, 25, 25, 25]
