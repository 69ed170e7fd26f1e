"""From a source file to the final file: by tiles, in lanes, with readers of their own, as in one piece."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pixo.errors import Refusal
from pixo.imaging.apply import apply, filter_whole
from pixo.imaging.chain import Chain, Step, parse
from pixo.imaging.decode import open_reader
from pixo.imaging.filters import registry
from pixo.imaging.join import join
from pixo.imaging.limits import Limits
from pixo.imaging.metadata import Metadata
from pixo.imaging.planner import Request, plan, runs
from pixo.imaging.probe import probe
from pixo.imaging.tile import reach, render
from tests import sources, strategies

# 1 by 1, one row, one column, primes, less and more than the MCU rows of one strip, many strips.
WIDTHS = (1, 2, 7, 16, 17, 31, 61, 127, 331)
HEIGHTS = (1, 2, 7, 15, 16, 17, 31, 61, 127, 331)
KINDS = ("noise", "flat", "slope", "few")


@st.composite
def files(draw):
    """Draw a source file: its bytes."""
    width, height = draw(st.sampled_from(WIDTHS)), draw(st.sampled_from(HEIGHTS))
    form = draw(st.sampled_from(["png", "jpeg", "progressive", "tiff", "webp", "interlaced"]))
    channels = draw(
        st.sampled_from({"webp": (3, 4)}.get(form, (1, 3) if "j" in form or form[:2] == "pr" else range(1, 5)))
    )
    depth = draw(st.sampled_from([8, 16])) if form in {"png", "tiff", "interlaced"} else 8
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pixels = strategies.picture(random, (height, width, channels), depth, draw(st.sampled_from(KINDS)))
    if form == "png":
        return sources.png(pixels)
    if form == "interlaced":
        return sources.png(pixels, interlace=True)
    if form == "tiff":
        return sources.tiff(pixels)
    if form == "webp":
        return sources.webp(pixels)
    sampling = draw(st.sampled_from([0, 1, 2])) if channels == 3 else -1
    return sources.jpeg(pixels, progressive=form == "progressive", subsampling=sampling)


def planned(path, chain, form, quality=85, **options):
    """Plan a job, or drop the example if it is refused."""
    request = Request(format=form, quality=quality, background="#336699")
    try:
        return plan(
            probe(path),
            parse(str(chain)),
            request,
            Limits(),
            **{"tile_size": 16, "workers": 2, "busy": False, **options},
        )
    except Refusal:
        assume(False)  # noqa: FBT003 - hypothesis' own way to drop an example


def final_by_tiles(path, made, lanes, cache):
    """Do as the service does: each lane's worker opens the source where its run begins; then join."""
    chain = parse(made.chain)
    pieces = []
    for first, last in runs(made, lanes):
        start, until = reach(made, chain, first * made.rows, min(made.height, last * made.rows))
        with open_reader(path, made, start=start, until=until, cache=cache) as reader:
            pieces += [render(reader, made, chain, tile) for tile in range(first, last)]
    out = []
    join(made, Metadata(), pieces, out.append)
    return b"".join(out)


def assert_same(data, chain, form, quality, lanes, skip, rows, orientation):
    """Compare the final file by tiles with the whole image, pixel for pixel."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source [n=1]")
        path.write_bytes(data)
        made = planned(path, chain, form, quality)
        made = replace(made, skip=made.skip if skip is None else skip, rows=rows or made.rows, orientation=orientation)
        final = final_by_tiles(path, made, lanes, Path(folder, "cache"))
        whole = filter_whole(path, made)
        assert not list(Path(folder, "cache").glob("*")), "readers leave nothing behind"
    assert whole.shape == (made.height, made.width, len(made.out_mode))
    if form == "png":
        assert whole.itemsize * 8 == made.depth
        np.testing.assert_array_equal(sources.decoded(final), whole)
        return
    space, sampling = ("GRAY", "Gray") if made.out_mode == "L" else ("RGB", "444" if quality >= 90 else "420")
    expected = simplejpeg.encode_jpeg(np.ascontiguousarray(whole), quality, space, sampling, fastdct=False)
    np.testing.assert_array_equal(sources.decoded(final), sources.decoded(expected))


# Final format, quality, lanes, cost of passing over rows, tile heights that cut through cells (None: as planned), and
# orientation.
ENDS = st.tuples(
    st.sampled_from(["png", "jpeg"]),
    st.sampled_from([1, 50, 85, 95, 100]),
    st.integers(1, 4),
    st.sampled_from([None, 0.0, 0.4]),
    st.sampled_from([None, 16, 48]),
    st.integers(1, 8),
)


@pytest.mark.parametrize("name", sorted(registry()))
@settings(max_examples=20)
@given(data=st.data(), source=files(), end=ENDS)
def test_every_filter_by_tiles_equals_whole(name, data, source, end):
    """Any source through any filter, in any lanes, gives what the whole image gives."""
    each = registry()[name]
    step = Step(each, data.draw(strategies.parameters(each)))
    assume(Chain((step,)).halo(8) <= 64)
    assert_same(source, Chain((step,)), *end)


@settings(max_examples=60)
@given(chain=strategies.chains(), source=files(), end=ENDS)
def test_every_chain_by_tiles_equals_whole(chain, source, end):
    """The same for chains of up to three filters."""
    assert_same(source, chain, *end)


@settings(max_examples=15)
@given(source=files(), form=st.sampled_from(["jpeg", "png"]))
def test_apply_gives_the_whole_images_pixels(source, form):
    """One process without a server gives the reference's pixels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source")
        path.write_bytes(source)
        chain = parse("blur:sigma=1,invert")
        planned(path, chain, form)
        out = []
        made = apply(path, chain, Request(format=form, background="#336699", quality=95), Limits(), out.append)
        whole = filter_whole(path, made)
    final = sources.decoded(b"".join(out))
    if form == "png":
        np.testing.assert_array_equal(final, whole)
    else:
        assert final.shape == whole.shape
