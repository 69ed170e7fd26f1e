"""Which partitions of ``tasks`` a job's runs go to. Pure: the caller brings what is known about the workers."""

from collections.abc import Collection, Mapping, Sequence


def choose(
    workers: Sequence[Collection[int]],
    partitions: int,
    out: Mapping[int, int],
    *,
    tiles: int,
    alone: bool,
    turn: int = 0,
) -> list[int]:
    """Return the partitions for a job of ``tiles`` tiles, the one for the longest run first.

    ``workers`` are the partitions that each live worker holds, ``out`` the tiles given out and unfinished by
    partition. Every lane lies with another worker, those with least to do first; ``turn`` breaks ties, so that
    admitters that see the same do not all choose the same. A job that is not ``alone`` gets one lane: with many
    jobs a lane each, every worker decodes one image from the top instead of all of them from the middle.
    """
    holders = [[p for p in held if p < partitions] for held in workers]
    holders = [held for held in holders if held]
    if not holders:
        return [min(range(partitions), key=lambda p: (out.get(p, 0), (p + turn) % partitions))]
    wanted = max(1, min(len(holders), partitions, tiles // 4)) if alone else 1
    count = len(holders)
    ranked = sorted(range(count), key=lambda w: (sum(out.get(p, 0) for p in holders[w]), (w + turn) % count))
    chosen: list[int] = []
    for w in ranked:
        # Right after a rebalance two workers may say that they hold the same partition: a second run on a lane
        # would take the place of the first, whose tiles nobody would make.
        free = [p for p in holders[w] if p not in chosen]
        if free and len(chosen) < wanted:
            chosen.append(min(free, key=lambda p: (out.get(p, 0), p)))
    return chosen


def limits(workers: int) -> tuple[int, int]:
    """Return (most active jobs, places of them that only small jobs may take) for the live workers."""
    reserve = max(2, workers)
    return 2 * workers + reserve, reserve
