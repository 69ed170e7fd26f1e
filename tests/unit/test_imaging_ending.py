"""Uploads that arrived whole, and uploads that did not."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixo.errors import Refusal
from pixo.imaging.ending import Ending
from pixo.imaging.probe import probe
from tests import sources, strategies

PIXELS = strategies.picture(np.random.default_rng(3), (40, 50, 3), 8)


def with_thumbnail():
    """Give a JPEG whose EXIF holds a whole JPEG, with end marks of its own."""
    inner = sources.jpeg(PIXELS[:8, :8])
    return sources.jpeg(PIXELS, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + inner)


FILES = {
    "jpeg": sources.jpeg(PIXELS),
    "progressive": sources.jpeg(PIXELS, progressive=True),
    "jpeg with thumbnail": with_thumbnail(),
    "jpeg with restarts": sources.jpeg(PIXELS, restart_marker_rows=1),
    "png": sources.png(PIXELS),
    "webp": sources.webp(PIXELS),
}


def fed(data, cuts=()):
    """Feed the data in chunks that end at the cuts."""
    ending = Ending()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        ending.feed(data[start:end])
    return ending


cuts = st.lists(st.integers(0, 100_000), max_size=8)


@pytest.mark.parametrize("name", FILES)
@given(cuts=cuts, rest=st.binary(max_size=64))
def test_whole_files_pass(name, cuts, rest):
    """In any chunks, and with anything behind the end."""
    data = FILES[name]
    fed(data + rest, cuts).check(probe(io.BytesIO(data)))


@pytest.mark.parametrize("name", FILES)
@given(cuts=cuts, share=st.floats(0, 1))
def test_cut_files_are_refused(name, cuts, share):
    """A file that ends anywhere between its header and its last byte is refused, in any chunks."""
    data = FILES[name]
    # The last two bytes are the end mark of JPEG; the smallest headers end before byte 750.
    kept = data[: int(750 + share * (len(data) - 2 - 750))]
    with pytest.raises(Refusal) as refusal:
        fed(kept, cuts).check(probe(io.BytesIO(data)))
    assert (refusal.value.kind, refusal.value.measured) == ("truncated-file", len(kept))


def test_stray_bytes_between_segments_do_no_harm():
    """What decoders pass over is no reason to refuse."""
    data = FILES["jpeg"]
    odd = data[:2] + b"\xff\xff" + data[3:20] + b"\0\0" + data[20:]
    fed(odd, range(0, 700, 3)).check(probe(io.BytesIO(data)))


def test_other_formats_pass():
    """Formats without an end mark are judged when they are decoded."""
    out = io.BytesIO()
    Image.new("P", (5, 5)).save(out, "gif")
    fed(out.getvalue()[:-1]).check(probe(io.BytesIO(out.getvalue())))
