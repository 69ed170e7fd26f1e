"""The pictures: photographs of 1 to 236 megapixels, JPEG quality 90, 4:2:0, made once and kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / ".cache"
WALLPAPERS = Path("/usr/share/wallpapers")
SIDES = {1: 1, 14: 1, 59: 2, 236: 4}
"""Megapixels to wallpapers a side."""
SHRINK = {1: 4}
"""Megapixels to how many times smaller the wallpapers are taken, where they are."""

Image.MAX_IMAGE_PIXELS = None


def photo(megapixels: int) -> Path:
    """Return a photograph of 1 (1280x720), 14 (5120x2880), 59 (10240x5760) or 236 (20480x11520) megapixels."""
    path = FOLDER / f"photo-{megapixels}.jpg"
    if not path.exists():
        _mosaic(SIDES[megapixels], path, megapixels, SHRINK.get(megapixels, 1))
    return path


def batch(count: int) -> Sequence[Path]:
    """Give so many different photographs of 14 megapixels."""
    paths = [FOLDER / f"batch-{n:02}.jpg" for n in range(count)]
    for n, path in enumerate(paths):
        if not path.exists():
            _mosaic(1, path, 1000 + n)
    return paths


def _mosaic(side: int, path: Path, seed: int, shrink: int = 1) -> None:
    """Lay wallpapers side by side; the noise is a camera's, without which they would be too easy."""
    sources = sorted(WALLPAPERS.glob("*/contents/images/5120x2880.*"))
    if not sources:
        raise SystemExit("bench: apt-get install plasma-workspace-wallpapers gives the photographs")
    random = np.random.default_rng(seed)
    width, height = 5120 // shrink, 2880 // shrink
    whole = Image.new("RGB", (width * side, height * side))
    for n in range(side * side):
        with Image.open(sources[(seed + n) % len(sources)]) as source:
            pixels = np.asarray(source.convert("RGB").reduce(shrink), np.int16)
        noise = (random.standard_normal(pixels.shape, np.float32) * 9).astype(np.int16)
        tile = np.clip(pixels + noise, 0, 255).astype(np.uint8)
        whole.paste(Image.fromarray(tile), (width * (n % side), height * (n // side)))
    FOLDER.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    whole.save(part, "JPEG", quality=90)
    part.rename(path)
