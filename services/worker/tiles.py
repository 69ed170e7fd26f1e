"""Tiles made from sources: a task in, the piece's bytes out."""

from functools import lru_cache
from pathlib import Path

from pixo.imaging.chain import Chain, parse
from pixo.imaging.decode import Reader, open_reader
from pixo.imaging.plan import Plan
from pixo.imaging.tile import reach, render
from pixo.messages import TileTask
from services.worker.decoders import Decoders, Open

parsed = lru_cache(maxsize=256)(parse)


class Tiles:
    """Makes pieces with open decoders. One tile at a time."""

    def __init__(self, decoders: Decoders) -> None:
        self._decoders = decoders

    def make(self, task: TileTask) -> bytes:
        """Give the tile's piece, ready to be joined.

        Raises BadImage, NoSuchBlob when the upload is gone, TryAgain("store"), and whatever a filter raises.
        """
        plan, chain = task.plan, parsed(task.plan.chain)
        return self._decoders.work(
            (task.job, task.lane),
            plan,
            span(plan, chain, task),
            lambda reader: render(reader, plan, chain, task.tile),
            last=ended(plan, task),
        )


def span(plan: Plan, chain: Chain, task: TileTask) -> tuple[int, int]:
    """Give the first row that the task needs, and the row that the rest of its lane's run ends at, with halo."""
    last = min(max(task.until, task.tile + 1), plan.tiles) - 1
    return reach(plan, chain, plan.box(task.tile)[0], plan.box(last)[1])


def ended(plan: Plan, task: TileTask) -> bool:
    """Tell whether the reader is of no more use: after the image's last tile, and where it decoded the run alone."""
    return task.tile == plan.tiles - 1 or (plan.engine == "luma" and task.tile >= task.until - 1)


def opener(cache: Path) -> Open:
    """Give what opens readers, with the folder for images that must be decoded whole."""

    def open_(path: Path, plan: Plan, start: int, until: int) -> Reader:
        return open_reader(path, plan, start=start, until=until, cache=cache)

    return open_
