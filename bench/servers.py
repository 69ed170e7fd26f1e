"""Pixo beside the image servers thumbor and imgproxy: the same photographs, the same filters, nothing resized.

    python -m venv thumbor && thumbor/bin/pip install thumbor==7.8.0
    python -m bench.servers --thumbor thumbor/bin/thumbor --imgproxy imgproxy

Who is not there is left out. thumbor is 7.8.0, imgproxy 4.0.12 in docs/benchmarks.md. Pixo is given each photograph
over HTTP and gives the result back; the others read it from a folder that they share with the client.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from shutil import which
from statistics import median
from time import perf_counter

from bench import photos
from bench.processes import family, forget_peaks, peak, processor
from bench.rivals import Imgproxy, Rival, Thumbor
from bench.server import Pixo
from pixo.imaging.probe import probe

Server = Pixo | Rival
Turn = Callable[[Server], float]

FILTERS = ("grayscale", "blur:sigma=2")
REPEATED = {1: 20}
"""Megapixels to requests of a turn, of which the median counts."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench.servers", description=__doc__)
    parser.add_argument("--thumbor", default="thumbor", help="its program (default: from PATH)")
    parser.add_argument("--imgproxy", default="imgproxy", help="its program (default: from PATH)")
    parser.add_argument("--rounds", type=int, default=5, help="counted turns of each server (default 5)")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 14, 59, 236], help="megapixels: 1 14 59 236")
    parser.add_argument("--batch", type=int, default=40, help="photographs in the batch; 0: none")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pixo-bench-")))
        servers: list[Server] = [stack.enter_context(Pixo(2))]
        for kind, name in ((Thumbor, given.thumbor), (Imgproxy, given.imgproxy)):
            if program := which(name):
                servers.append(stack.enter_context(kind(program)))
            else:
                print(f"bench: there is no {name}, so {kind.name} is left out", file=sys.stderr)
        for filters in FILTERS:
            able = [server for server in servers if isinstance(server, Pixo) or filters in server.paths]
            print(f"\nJPEG to JPEG, {filters}; for each: median, processor ms an image, peak MB of its largest process")
            print(f"{'':16}" + "".join(f"{server.name:>22}" for server in able) + "   pixo/other, turn by turn")
            for megapixels in given.sizes:
                compare(f"{megapixels} MP, ms", able, single(megapixels, filters, folder), given.rounds)
            if given.batch:
                compare(f"{given.batch} of 14 MP, /s", able, batch(given.batch, filters, folder), given.rounds)


def single(megapixels: int, filters: str, folder: Path) -> tuple[Turn, int]:
    """Return a turn that asks for one image after another and gives milliseconds, and how many images it has."""
    source, times = photos.photo(megapixels), REPEATED.get(megapixels, 1)
    return lambda server: 1000 * median(one(server, source, filters, folder) for _ in range(times)), times


def batch(count: int, filters: str, folder: Path) -> tuple[Turn, int]:
    """Return a turn that has four clients ask for all photographs and gives images a second, and their number."""
    sources = photos.batch(count)

    def turn(server: Server) -> float:
        with ThreadPoolExecutor(4) as clients:
            start = perf_counter()
            list(clients.map(lambda source: one(server, source, filters, folder), sources))
            return count / (perf_counter() - start)

    return turn, count


def one(server: Server, source: Path, filters: str, folder: Path) -> float:
    """Return the seconds of one image, which must come back whole and as large as it was."""
    target = folder / f"{source.stem}.jpg"
    seconds = server.run(source, target, filters)
    was, came = probe(source), probe(target)
    if (came.format, came.width, came.height) != ("jpeg", was.width, was.height):
        raise SystemExit(f"bench: {server.name} made {came.format} {came.width} x {came.height} of {source.name}")
    return seconds


def compare(label: str, servers: Sequence[Server], work: tuple[Turn, int], rounds: int) -> None:
    """Take turns, the first uncounted; print medians, and Pixo's figure over each other's, turn by turn."""
    turn, images = work
    for server in servers:
        forget_peaks(server.pid)
        turn(server)
    used = [0.0 for _ in servers]
    turns: list[list[float]] = []
    for _ in range(rounds):
        turns.append(figures := [])
        for n, server in enumerate(servers):
            before = processor(server.pid)
            figures.append(turn(server))
            used[n] += processor(server.pid) - before
    line = f"{label:16}"
    for n, server in enumerate(servers):
        largest = max(map(peak, family(server.pid)))
        figure = median(row[n] for row in turns)
        line += f"{figure:9.{0 if figure >= 100 else 1}f}{1000 * used[n] / rounds / images:7.0f}{largest:6}"
    for n in range(1, len(servers)):
        ratios = sorted(row[0] / row[n] for row in turns)
        line += f"   {median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
    print(line, flush=True)


if __name__ == "__main__":
    main()
