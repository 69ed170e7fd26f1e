"""What a tile is said to take a worker is about what it takes."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import pyvips

from pixo.imaging import memory, strips
from pixo.imaging.chain import parse
from pixo.imaging.encode import png
from pixo.imaging.filters import Place
from pixo.imaging.probe import Header, probe

READ = """
import sys
from pathlib import Path
from pixo.imaging.chain import parse
from pixo.imaging.decode import open_reader
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])

path, before = Path(sys.argv[1]), held()
made = plan(probe(path), parse("invert"), Request(), Limits(), tile_size=16, workers=1, busy=False)
with open_reader(path, made, start=0, until=made.height, cache=path.parent) as reader:
    most = 0
    for top in range(0, made.height, 16):
        reader.rows(top, min(made.height, top + 16))
        most = max(most, held())
print(most - before)
"""
CHAINS = (
    "invert,blur:sigma=20",
    "invert,box:radius=40",
    "invert,unsharp:sigma=20:threshold=3",
    "invert,median:radius=2",
    "invert,pixelate:size=2",
    "invert,pixelate:size=128",
    "blur:sigma=2,edges",
    "sharpen,emboss",
    "sepia,box:radius=20,grayscale",
    "threshold,sepia,invert",
)


@pytest.mark.parametrize("form", ["png", "jpg", "tif"])
def test_a_stream_holds_the_rows_that_are_counted(form, tmp_path):
    """Of an image of 40,000 pixels a hundred megabytes, by libvips; should it hold others one day, this tells."""
    path = tmp_path / f"wide.{form}"
    image = pyvips.Image.black(40_000, 1_600, bands=3) + 77
    image.cast("uchar").copy(interpretation="srgb").write_to_file(str(path))
    counted = memory.reader(probe(path), "stream", "RGB")

    answer = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True, timeout=120)
    assert counted / 2 < int(answer.stdout) < counted * 1.4


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("text", CHAINS)
def test_a_chain_takes_what_is_counted_at_most(text, mode, depth, monkeypatch):
    """However many filters there are; strips are as small beside these pixels as they are beside a wide image's."""
    monkeypatch.setattr(strips, "STRIP", 100_000)
    chain, height, width = parse(text), 600, 900
    pixels = np.random.default_rng(3).integers(0, 1 << depth, (height, width, len(mode))).astype(f"uint{depth}")
    if mode.endswith("A"):
        pixels[:, ::2, -1] = 0
    header = Header(format="png", width=width, height=height, mode=mode, depth=depth, streams=True)
    place = Place(y0=0, width=width, height=height)
    strips.apply(chain, pixels, place)
    tracemalloc.start()
    try:
        strips.apply(chain, pixels, place)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What is worked on in the processor's cache does not grow with the image.
    assert peak + pixels.nbytes - 1_500_000 < height * memory.row(header, chain, mode)


def test_a_png_of_noise_takes_its_piece_twice():
    """The parts and what they are put together to."""
    pixels = np.random.default_rng(3).integers(0, 256, (1000, 4000, 3)).astype(np.uint8)
    tracemalloc.start()
    try:
        piece = png.encode(pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.3 * len(piece)
