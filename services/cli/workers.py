"""List workers: those that are alive, and those that died in the last five minutes."""

import argparse
from collections.abc import Mapping

from pixo import output
from services.cli import api


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print them."""
    with api.connect(given, environ) as server:
        found = server.get("workers")
    if given.json:
        output.document(found)
        return 0
    rows = [
        [
            worker["id"],
            worker["state"],
            worker["host"],
            ",".join(map(str, worker["partitions"])) or "-",
            worker["tiles"],
            f"{worker['busy']:.0%}",
            f"{worker.get('rss', 0) / 1e6:.0f} MB",
            worker["version"],
        ]
        for worker in found["workers"]
    ]
    output.table(("ID", "STATE", "HOST", "PARTITIONS", "TILES", "BUSY", "MEMORY", "VERSION"), rows)
    return 0
