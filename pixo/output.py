"""How commands print: tables for people, JSON for scripts."""

import argparse
import json
import sys
from collections.abc import Sequence


def json_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def document(what: object) -> None:
    """Print a JSON document on one line."""
    # In one piece, so that those of several threads do not mix.
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns."""
    for line in columns(head, rows):
        print(line)


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return lines of columns as wide as they need to be; the last one ends where its text does."""
    lines = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
