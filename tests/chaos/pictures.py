"""What jobs are made of: pictures of mixed sizes and formats, and the pixels that one process makes of them."""

import functools
import io
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyvips

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request
from services.cli.painting import Painting

SLOW = "median:radius=4,median:radius=5,median:radius=6"
"""A chain that takes long enough for something to happen meanwhile: about a second a megapixel and core."""


class Kind(NamedTuple):
    """One kind of job."""

    source: Path
    fields: Mapping[str, str]

    @property
    def filters(self) -> str:
        """Its chain."""
        return self.fields["filters"]


class Pictures:
    """Paints sources into a folder, each once, and knows what becomes of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verdicts: dict[tuple[Path, str, str, str], bool] = {}

    def kind(self, width: int, height: int, suffix: str = "jpg", **fields: str) -> Kind:
        """Give a kind of job; ``suffix`` is the source's format, the fields are the upload's."""
        path = self._folder / f"{width}x{height}.{suffix}"
        if not path.exists():
            _paint(path, width, height)
        return Kind(path, {"filters": "grayscale", **fields})

    def mixed(self) -> list[Kind]:
        """Give jobs of many sizes, formats, engines and joins."""
        return [
            self.kind(640, 480, filters="invert"),
            self.kind(1024, 768, filters="grayscale"),
            self.kind(800, 600, "png", filters="blur:sigma=2", tile_size="256"),
            self.kind(1600, 1200, filters="sepia,sharpen", tile_size="300"),
            self.kind(1200, 900, "webp", filters="edges", tile_size="256"),
            self.kind(900, 700, "tiff", filters="posterize", format="png", tile_size="200"),
            self.kind(640, 480, "png", filters="pixelate", format="jpeg"),
            self.kind(1600, 1200, filters="blur:sigma=4,grayscale", format="webp", tile_size="300"),
            self.kind(1800, 1350, filters="median:radius=2", tile_size="300"),
            self.kind(2400, 1800, filters="grayscale,unsharp", tile_size="400"),
        ]

    def right(self, kind: Kind, result: bytes) -> bool:
        """Say whether a result has exactly the pixels that one process makes, without tiles of any lane."""
        form = kind.fields.get("format", "keep")
        known = (kind.source, kind.filters, form, sha256(result).hexdigest())
        if known not in self._verdicts:
            self._verdicts[known] = _pixels(result) == _expected(kind.source, kind.filters, form)
        return self._verdicts[known]


@functools.cache
def _expected(source: Path, filters: str, form: str) -> tuple[object, ...]:
    file = io.BytesIO()
    apply(source, parse(filters), Request(format=form), Limits(), file.write)
    return _pixels(file.getvalue())


def _pixels(data: bytes) -> tuple[object, ...]:
    """Give what two images must share: size, sample type, and the digest of every sample."""
    image = pyvips.Image.new_from_buffer(data, "", fail_on="warning")
    return image.width, image.height, image.bands, image.format, sha256(image.write_to_memory()).hexdigest()


def _paint(path: Path, width: int, height: int) -> None:
    painting = Painting(width, height)
    if path.suffix == ".jpg":
        with path.open("wb") as file:
            painting.write(file.write)
        return
    strips = [painting.strip(number) for number in range(-(-height // 128))]
    image = pyvips.Image.new_from_array(np.concatenate(strips))
    image.copy(interpretation="srgb").write_to_file(str(path))
