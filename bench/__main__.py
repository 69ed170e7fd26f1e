"""``make bench``: one image at a time against vips and Pillow, a batch against a bare pool, and what rest costs."""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from bench import peers, photos
from bench.processes import processor
from bench.server import Pixo

RESTS = 20.0
"""Seconds of rest: before they count, and counted."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted turns of each contender (default 5)")
    parser.add_argument("--sizes", type=int, nargs="*", default=[14, 59, 236], help="megapixels: 14 59 236")
    parser.add_argument("--batch", type=int, default=40, help="photographs in the batch; 0: none")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pixo-bench-") as folder:
        for workers in (1, 2):
            with Pixo(workers) as pixo:
                single(pixo, given.sizes, given.rounds, Path(folder))
                if workers == 2 and given.batch:
                    batch(pixo, given.batch, given.rounds, Path(folder))
                rest(pixo)
                print(
                    "peak MB:",
                    ", ".join(f"{role} {peak}" for role, peak in sorted(pixo.peaks().items())),
                    "\n",
                )


def single(pixo: Pixo, sizes: list[int], rounds: int, folder: Path) -> None:
    """Compare one JPEG to gray JPEG, in turns; ratios are Pixo's time over the other's, turn by turn."""
    print(f"JPEG to gray JPEG, {pixo.workers} worker{'s' * (pixo.workers > 1)}, upload to final bytes; seconds, median")
    print("  MP    pixo    vips  pillow   pixo/vips  pixo/pillow")
    contenders = [pixo.run, peers.vips, peers.pillow]
    for megapixels in sizes:
        source = photos.photo(megapixels)
        turns = [[run(source, folder / "out.jpg") for run in contenders] for _ in range(rounds + 1)][1:]
        times = [median(column) for column in zip(*turns, strict=True)]
        ratios = [median(turn[0] / turn[n] for turn in turns) for n in (1, 2)]
        print(f"{megapixels:4}{times[0]:8.2f}{times[1]:8.2f}{times[2]:8.2f}{ratios[0]:12.2f}{ratios[1]:13.2f}")


def batch(pixo: Pixo, count: int, rounds: int, folder: Path) -> None:
    """Compare images a second of a batch, sent by four clients, with two bare processes of the same engine."""
    sources = photos.batch(count)
    rates = []
    for _ in range(max(2, rounds // 2) + 1):
        bare = count / peers.pool(sources, folder)
        with ThreadPoolExecutor(4) as clients:
            start = perf_counter()
            list(clients.map(lambda source: pixo.run(source, folder / f"{source.stem}.jpg"), sources))
            rates.append((count / (perf_counter() - start), bare))
    rates = rates[1:]
    ratio = median(ours / bare for ours, bare in rates)
    ours, bare = (median(column) for column in zip(*rates, strict=True))
    print(f"batch of {count} photographs of 14 MP: {ours:.1f} images/s, bare pool {bare:.1f}, ratio {ratio:.2f}")


def rest(pixo: Pixo) -> None:
    """Tell what all processes together take of one core while nobody asks for anything."""
    sleep(RESTS)
    began, taken = perf_counter(), processor(pixo.pid)
    sleep(RESTS)
    share = (processor(pixo.pid) - taken) / (perf_counter() - began)
    print(f"idle: {share:.1%} of a core")


if __name__ == "__main__":
    main()
