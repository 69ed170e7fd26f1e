"""What Pixo is compared with: the vips command line, Pillow in one process, a bare pool of two processes."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from time import perf_counter

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request

PILLOW = """
import sys
from PIL import Image
Image.MAX_IMAGE_PIXELS = None
image = Image.open(sys.argv[1])
image.draft("L", None)
image.convert("L").save(sys.argv[2], quality=85)
"""


def vips(source: Path, target: Path) -> float:
    """Return the seconds that the vips command takes for JPEG to gray JPEG."""
    if which("vips") is None:
        raise SystemExit("bench: apt-get install libvips-tools gives the vips command")
    return _timed(["vips", "colourspace", str(source), f"{target}[Q=85]", "b-w"])


def pillow(source: Path, target: Path) -> float:
    """Return the seconds that a Python process with Pillow takes, decoding only luma."""
    return _timed([sys.executable, "-c", PILLOW, str(source), str(target)])


def pool(sources: Sequence[Path], folder: Path) -> float:
    """Return the seconds that two warm processes of Pixo's own engine take for all sources, file to file."""
    jobs = [(source, folder / f"{source.stem}-pool.jpg") for source in sources]
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        processes.starmap(process, jobs[:2], chunksize=1)
        start = perf_counter()
        processes.starmap(process, jobs, chunksize=1)
        return perf_counter() - start


def process(source: Path, target: Path) -> None:
    """Make one gray JPEG with the engine that the workers use."""
    with target.open("wb") as file:
        apply(source, parse("grayscale"), Request(), Limits(), file.write)


def _timed(command: list[str]) -> float:
    environ = {name: value for name, value in os.environ.items() if name != "VIPS_CONCURRENCY"}
    start = perf_counter()
    subprocess.run(command, check=True, env=environ)
    return perf_counter() - start
