"""Readers of every engine: any walk down the image gives the rows of the whole."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixo.imaging.chain import parse
from pixo.imaging.decode import open_reader
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from tests import sources, strategies

RANDOM = np.random.default_rng(5)
TALL = strategies.picture(RANDOM, (700, 90, 3), 8)
WIDE = strategies.picture(RANDOM, (40, 9000, 4), 16)
FILES = {
    "luma": (sources.jpeg(TALL), "grayscale"),
    "stream jpeg": (sources.jpeg(TALL), "invert"),
    "stream jpeg with restarts": (sources.jpeg(TALL, restart_marker_blocks=5), "grayscale"),
    "stream png": (sources.png(WIDE), "invert"),
    "stream tiff": (sources.tiff(TALL, tile=True, tile_width=64, tile_height=64), "invert"),
    "stream tiff in one strip": (sources.tiff(TALL), "invert"),
    "map jpeg": (sources.jpeg(TALL, progressive=True), "invert"),
    "map webp": (sources.webp(TALL), "invert"),
}


@pytest.fixture(scope="module", params=FILES)
def source(request, tmp_path_factory):
    """Give a source's path, its plan and all its rows."""
    data, chain = FILES[request.param]
    path = tmp_path_factory.mktemp("source") / "source"
    path.write_bytes(data)
    made = plan(probe(path), parse(chain), Request(format="png"), Limits(), tile_size=16, workers=1, busy=False)
    with open_reader(path, made, start=0, until=made.height, cache=path.parent) as reader:
        return path, made, reader.rows(0, made.height).copy()


@settings(max_examples=25)
@given(data=st.data())
def test_any_walk_gives_the_rows_of_the_whole(source, data):
    """From any start, in steps and with overlaps of any size, with any hint of the end."""
    path, made, expected = source
    start = data.draw(st.integers(0, made.height - 1), "start")
    until = data.draw(st.integers(start, made.height), "until")
    top = data.draw(st.integers(start, made.height - 1), "top")
    with (
        tempfile.TemporaryDirectory() as cache,
        open_reader(path, made, start=start, until=until, cache=Path(cache)) as reader,
    ):
        for _ in range(data.draw(st.integers(1, 6), "steps")):
            bottom = data.draw(st.integers(top + 1, made.height), "bottom")
            np.testing.assert_array_equal(reader.rows(top, bottom), expected[top:bottom])
            top = data.draw(st.integers(top, min(bottom + 50, made.height - 1)), "top")
