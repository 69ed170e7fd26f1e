"""The pictures: photographs of 14, 59 and 236 megapixels, JPEG quality 90, 4:2:0, made once and kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / ".cache"
WALLPAPERS = Path("/usr/share/wallpapers")
SIDES = {14: 1, 59: 2, 236: 4}
"""Megapixels to wallpapers a side."""

Image.MAX_IMAGE_PIXELS = None


def photo(megapixels: int) -> Path:
    """Give a photograph of 14 (5120x2880), 59 (10240x5760) or 236 (20480x11520) megapixels."""
    path = FOLDER / f"photo-{megapixels}.jpg"
    if not path.exists():
        _mosaic(SIDES[megapixels], path, seed=megapixels)
    return path


def batch(count: int) -> Sequence[Path]:
    """Give so many different photographs of 14 megapixels."""
    paths = [FOLDER / f"batch-{n:02}.jpg" for n in range(count)]
    for n, path in enumerate(paths):
        if not path.exists():
            _mosaic(1, path, seed=1000 + n)
    return paths


def _mosaic(side: int, path: Path, seed: int) -> None:
    """Lay wallpapers side by side; the noise is a camera's, without which they would be too easy."""
    sources = sorted(WALLPAPERS.glob("*/contents/images/5120x2880.*"))
    if not sources:
        raise SystemExit("bench: apt-get install plasma-workspace-wallpapers gives the photographs")
    random = np.random.default_rng(seed)
    whole = Image.new("RGB", (5120 * side, 2880 * side))
    for n in range(side * side):
        with Image.open(sources[(seed + n) % len(sources)]) as source:
            pixels = np.asarray(source.convert("RGB"), np.int16)
        noise = (random.standard_normal(pixels.shape, np.float32) * 9).astype(np.int16)
        tile = np.clip(pixels + noise, 0, 255).astype(np.uint8)
        whole.paste(Image.fromarray(tile), (5120 * (n % side), 2880 * (n // side)))
    FOLDER.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    whole.save(part, "JPEG", quality=90)
    part.rename(path)
