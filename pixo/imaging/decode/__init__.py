"""Decoding: a reader an engine, each of which gives rows from top to bottom."""

from pathlib import Path

from pixo.imaging.decode.luma import LumaReader
from pixo.imaging.decode.map import MapReader
from pixo.imaging.decode.reader import Pixels, Reader, Rewind, Rows
from pixo.imaging.decode.stream import StreamReader
from pixo.imaging.plan import Plan

__all__ = ["Pixels", "Reader", "Rewind", "Rows", "open_reader"]


def open_reader(path: Path, plan: Plan, *, start: int, until: int, cache: Path) -> Reader:
    """Open an image for one pass with the engine of its plan.

    ``start`` is the first row wanted; ``until`` the row after the last one wanted, as far as it is known: asking for
    more works. ``cache`` is a folder for decoded pixels. Raises BadImage.
    """
    if plan.engine == "luma":
        return LumaReader(path, plan, until=until)
    if plan.engine == "stream":
        return StreamReader(path, plan, start=start, until=until)
    return MapReader(path, plan, cache)
