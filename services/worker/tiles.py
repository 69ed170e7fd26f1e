"""Tiles made from sources: a task in, the piece's bytes out."""

from errno import ENOSPC
from functools import lru_cache
from pathlib import Path
from time import perf_counter

from pixo.imaging import metadata
from pixo.imaging.chain import Chain, parse
from pixo.imaging.decode import Pixels, Reader, open_reader
from pixo.imaging.encode import encode
from pixo.imaging.join import finish
from pixo.imaging.plan import Plan
from pixo.imaging.tile import filtered, reach
from pixo.messages import TileTask
from services.worker.decoders import Decoders, Open
from services.worker.measures import Measures
from services.worker.sources import Sources

parsed = lru_cache(maxsize=256)(parse)


class Tiles:
    """Makes pieces with open decoders. One tile at a time."""

    def __init__(self, decoders: Decoders, sources: Sources, measures: Measures) -> None:
        self._decoders = decoders
        self._sources = sources
        self._measures = measures

    def make(self, task: TileTask) -> bytes:
        """Return the tile's piece, ready to be joined; a lone tile's is the final image.

        Raises BadImage, NoSuchBlob when the upload is gone, TryAgain("store"), OSError where the worker's folder is too
        small for this image alone, and whatever a filter raises.
        """
        try:
            return self._make(task)
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            # All else in the folder is there to save time.
            self._decoders.close()
            self._sources.clear()
            return self._make(task)

    def _make(self, task: TileTask) -> bytes:
        plan, chain = task.plan, parsed(task.plan.chain)
        segment = self._decoders.work(
            (task.job, task.lane),
            plan,
            span(plan, chain, task),
            lambda reader: self._render(reader, plan, chain, task.tile),
            last=ended(plan, task),
        )
        return finish(plan, metadata.read(self._sources.path(task.job)), segment) if plan.lone else segment

    def _render(self, reader: Reader, plan: Plan, chain: Chain, tile: int) -> bytes:
        """Do what ``imaging.tile.render`` does, by the clock."""
        clocked = _Clocked(reader)
        began = perf_counter()
        pixels = filtered(clocked, plan, chain, *plan.box(tile))
        finished = perf_counter()
        piece = encode(pixels, plan)
        self._measures.passed("decode", clocked.seconds)
        self._measures.passed("filter", finished - began - clocked.seconds)
        self._measures.passed("encode", perf_counter() - finished)
        return piece


class _Clocked:
    """A reader that knows how long its rows took."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.seconds = 0.0

    def rows(self, top: int, bottom: int) -> Pixels:
        began = perf_counter()
        rows = self._reader.rows(top, bottom)
        self.seconds += perf_counter() - began
        return rows


def span(plan: Plan, chain: Chain, task: TileTask) -> tuple[int, int]:
    """Return the first row that the task needs, and the row that the rest of its lane's run ends at, with halo."""
    last = min(max(task.until, task.tile + 1), plan.tiles) - 1
    return reach(plan, chain, plan.box(task.tile)[0], plan.box(last)[1])


def ended(plan: Plan, task: TileTask) -> bool:
    """Return whether the reader is of no more use: after the image's last tile, and where it decoded the run alone."""
    return task.tile == plan.tiles - 1 or (plan.engine == "luma" and task.tile >= task.until - 1)


def opener(cache: Path, measures: Measures) -> Open:
    """Return what opens readers, with the folder for images that must be decoded whole."""

    def open_(path: Path, plan: Plan, start: int, until: int) -> Reader:
        measures.opened(path.stat().st_size)
        with measures.stage("decode"):
            return open_reader(path, plan, start=start, until=until, cache=cache)

    return open_
