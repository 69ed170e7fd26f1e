"""Pictures, and what Pixo must make of them: by the same engine in one process, without a server."""

import functools
import io
import tempfile
from hashlib import sha256
from pathlib import Path

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
def expected(width: int, height: int, filters: str, form: str = "keep") -> str:
    """Give the SHA-256 of what a painted picture must become."""
    digest = sha256()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(painted(width, height))
        apply(path, parse(filters), Request(format=form), Limits(), digest.update)
    return digest.hexdigest()


def sha(data: bytes) -> str:
    """Give the SHA-256 of bytes."""
    return sha256(data).hexdigest()
