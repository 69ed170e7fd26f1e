"""The long form of the model: random plays until so many steps are taken. ``make model`` runs it."""

import argparse
import logging
import sys
import time
from collections import Counter

from tests.property.protocol.play import Broken, compose, perform, shrink
from tests.property.protocol.servers import valkey


def main() -> int:
    """Play, and say what was seen; at the first thing that breaks make it small, print it and fail."""
    parser = argparse.ArgumentParser(prog="python -m tests.property.protocol", description=main.__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="of all plays together")
    parser.add_argument("--plays", type=int, default=1_000_000, help="most plays")
    parser.add_argument("--seed", type=int, default=0, help="of the first play")
    parser.add_argument("--length", type=int, default=150, help="acts of a play")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    steps, plays, began = 0, 0, time.monotonic()
    seen: Counter[str] = Counter()
    with valkey() as url:
        while steps < asked.steps and plays < asked.plays:
            seed = asked.seed + plays
            try:
                world = perform(url, compose(seed, asked.length))
            except Broken as error:
                print(f"play {seed} broke: {error.cause}", flush=True)
                print(smaller(url, compose(seed, asked.length), error))
                return 1
            steps, plays, seen = steps + world.steps, plays + 1, seen + world.stats
            if plays % 50 == 0:
                rate = steps / (time.monotonic() - began)
                print(f"{plays} plays, {steps:,} steps, {rate:.0f} a second: {dict(seen)}", flush=True)
    print(f"{plays} plays, {steps:,} steps, nothing broke: {dict(seen)}")
    return 0


def smaller(url: str, acts: list[tuple[str, int, int]], first: Broken) -> Broken:
    """Give the shortest play found that breaks in the same way."""
    found = first

    def breaks(some: list[tuple[str, int, int]]) -> bool:
        nonlocal found
        try:
            perform(url, some)
        except Broken as error:
            if str(error.cause)[:20] == str(first.cause)[:20]:
                found = error
                return True
        return False

    shrink(acts, breaks)
    return found


if __name__ == "__main__":
    sys.exit(main())
