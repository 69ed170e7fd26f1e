"""What metrics cost: a worker's steps for tiles with them and without, in turns; ``python -m bench.metrics_cost``.

Without: every counter, gauge and histogram of ``pixo.metrics`` does nothing. One process and real work, a folder as
store and nothing in the place of Kafka and Redis, whose own time would make the share smaller. Processor time, since
a busy machine tells nothing by the wall's clock.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from unittest import mock

from prometheus_client.metrics import MetricWrapperBase

from pixo import metrics, store
from pixo.broker import Record
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from pixo.messages import TileTask
from pixo.settings import Store
from pixo.store import names
from services.cli.painting import Painting
from services.worker.activity import Activity
from services.worker.decoders import Decoders
from services.worker.measures import Measures
from services.worker.sources import Sources
from services.worker.tiles import Tiles, opener

T = TypeVar("T")

SIDE = 2048
PAIRS = 60
JOB = "bench"


@contextmanager
def silent() -> Iterator[None]:
    """Let no metric do anything, inside."""
    with ExitStack() as stack:
        for kind in (metrics.Counter, metrics.Gauge, metrics.Histogram):
            methods = {name: _nothing for name in ("inc", "dec", "set", "observe") if hasattr(kind, name)}
            stack.enter_context(mock.patch.multiple(kind, **methods))
        stack.enter_context(mock.patch.object(MetricWrapperBase, "labels", _itself))
        yield


def _nothing(*_: object, **__: object) -> None:
    pass


def _itself(self: T, *_: object, **__: object) -> T:
    return self


def turn(folder: Path, chain: str) -> float:
    """Return the processor's seconds for a tile of the picture, as a worker makes them."""
    blobs = store.open(Store(store=folder.as_uri()))
    measures = Measures()
    activity = Activity(time.monotonic, metrics.worker_busy.inc)
    made = plan(
        probe(folder / names.source(JOB)), parse(chain), Request(), Limits(), tile_size=None, workers=1, busy=True
    )
    sources = Sources(blobs, folder, 1 << 30, measures)
    decoders = Decoders(
        opener(folder, measures), sources.path, count=4, spare=64 << 20, memory=1 << 30, clock=time.monotonic
    )
    tiles = Tiles(decoders, sources, measures)
    began = time.process_time()
    for tile in range(made.tiles):
        task = TileTask(job=JOB, gen=1, tile=tile, lane=0, until=made.tiles, plan=made)
        measures.taken(Record("tasks", 0, tile, b"", {}, int(time.time() * 1000)))
        with activity.tile():
            piece = tiles.make(task)
        with measures.stage("store"):
            blobs.put(names.tile(JOB, tile, "t"), piece)
        with measures.stage("publish"):
            # What the producer, the loop and four calls to Redis tell of a tile.
            metrics.produce_duration.labels("results").observe(0.001)
            metrics.consumer_records.labels("tasks").inc()
            for _ in range(4):
                metrics.redis_duration.observe(0.0005)
        measures.stored(task, len(piece), 0.01)
        metrics.consumer_last_poll.labels("tasks").set_to_current_time()
    seconds = time.process_time() - began
    decoders.close()
    return seconds / made.tiles


def pair(folder: Path, chain: str, *, first: bool) -> tuple[float, float]:
    """Return the seconds of two neighbouring turns, with metrics and without; which one is first changes by pair."""
    if first:
        on = turn(folder, chain)
    with silent():
        off = turn(folder, chain)
    if not first:
        on = turn(folder, chain)
    return on, off


def main() -> int:
    """Measure both in turns and print what a tile takes."""
    metrics.expose("worker")
    with tempfile.TemporaryDirectory(prefix="pixo-bench-") as name:
        folder = Path(name)
        source = folder / names.source(JOB)
        source.parent.mkdir(parents=True)
        with source.open("wb") as file:
            Painting(SIDE, SIDE).write(file.write)
        for chain in ("grayscale", "blur:sigma=4,sharpen"):
            turn(folder, chain)
            pairs = [pair(folder, chain, first=bool(number % 2)) for number in range(PAIRS)]
            shares = sorted(on / off - 1 for on, off in pairs)
            # Order statistics that hold the median between them in 19 of 20 runs (sign test, normal approximation).
            reach = round(1.96 * PAIRS**0.5 / 2)
            low, high = shares[PAIRS // 2 - reach], shares[PAIRS // 2 + reach - 1]
            print(
                f"{chain}: a tile takes {statistics.median(on for on, _ in pairs) * 1e6:.0f} us with metrics; "
                f"they cost {statistics.median(shares):+.2%} (median of {PAIRS} pairs; 95 %: {low:+.2%} to {high:+.2%})"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
