"""Pictures, and what Pixo must make of them: by the same engine in one process, without a server."""

import functools
import io
import tempfile
from pathlib import Path

import pyvips

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request
from services.cli.painting import Painting


@functools.cache
def painted(width: int, height: int) -> bytes:
    """Give a JPEG of the size, the same each time."""
    file = io.BytesIO()
    Painting(width, height).write(file.write)
    return file.getvalue()


@functools.cache
def expected(width: int, height: int, filters: str, form: str = "keep") -> bytes:
    """Give what a painted picture must become."""
    file = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(painted(width, height))
        apply(path, parse(filters), Request(format=form), Limits(), file.write)
    return file.getvalue()


def right(result: bytes, width: int, height: int, filters: str, form: str = "keep") -> bool:
    """Say whether a result has every pixel that it must have; where its tiles end, its bytes may differ."""
    images = [
        pyvips.Image.new_from_buffer(data, "", access="sequential")
        for data in (result, expected(width, height, filters, form))
    ]
    sizes = {(image.width, image.height, image.bands, image.format) for image in images}
    return len(sizes) == 1 and (images[0] - images[1]).abs().max() == 0
