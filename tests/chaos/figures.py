"""What runs measured, in one table at the end."""

from typing import NamedTuple


class Figures(NamedTuple):
    """One scenario's figures; times are seconds."""

    scenario: str
    jobs: int
    tiles: int
    duplicates: int
    dead: int
    gap: float
    """The longest time between two reported tiles."""
    p99: float
    """Of the time from upload to end."""
    note: str = ""


def table(rows: list[Figures]) -> list[str]:
    """Give the lines of a table."""
    heads = ("scenario", "jobs", "tiles", "twice", "dead", "gap s", "p99 s", "measured")
    cells = [heads, *((*map(str, row[:5]), f"{row.gap:.1f}", f"{row.p99:.1f}", row.note) for row in rows)]
    wide = [max(len(line[n]) for line in cells) for n in range(len(heads))]
    left = (0, len(heads) - 1)
    return [
        "  ".join(cell.ljust(wide[n]) if n in left else cell.rjust(wide[n]) for n, cell in enumerate(line)).rstrip()
        for line in cells
    ]
