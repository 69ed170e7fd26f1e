"""Processes a tiny image before the first task comes, so that the first job does not pay for imports."""

import platform
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import simplejpeg

from pixo import logs
from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request

SIDE = 64
WORK = (
    ("grayscale", Request()),
    ("invert", Request()),
    ("blur,sharpen,edges", Request(format="png")),
)
"""Chains and formats that between them load the usual engines and encoders."""

log = logs.logger(__name__)


def up(folder: Path) -> None:
    """Load what the work will need; files come and go in the folder."""
    square = np.add.outer(np.arange(SIDE), np.arange(SIDE)).astype(np.uint8)
    pixels = np.ascontiguousarray(np.repeat(square[:, :, None], 3, axis=2))
    with TemporaryDirectory(prefix="warm-", dir=folder) as name:
        path = Path(name, "image.jpg")
        path.write_bytes(simplejpeg.encode_jpeg(pixels, colorspace="RGB"))
        for filters, request in WORK:
            apply(path, parse(filters), request, Limits(), len)
    log.debug("warm")


def instructions() -> str:
    """Return the instruction set by which float filters round: workers of one cluster should have the same."""
    try:
        known = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        known = ""
    flags = next((line.split() for line in known.splitlines() if line.startswith("flags")), [])
    for name in ("avx512f", "avx2", "avx", "sse4_2"):
        if name in flags:
            return name
    return platform.machine()
