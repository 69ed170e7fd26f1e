"""Images a few rows at a time, so that what is made of them in between is small and stays in the processor's cache."""

from collections.abc import Iterator
from typing import Any

BLOCK = 16384
"""Pixels that are taken at a time."""


def blocks(pixels: Any) -> Iterator[slice]:
    """Cut the rows of a plane (h, w) or of pixels (h, w, c) into slices of about ``BLOCK`` pixels, one row at least."""
    rows = max(1, BLOCK // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        yield slice(top, top + rows)
