"""List dead letters, newest first, or replay them: of the `pixo up` in --data, or as PIXO_* variables say."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from pixo.letters import command
from services.standalone import address
from services.standalone.options import DATA


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.arguments(parser)
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        metavar="DIR",
        help="data folder of a running `pixo up`, looked into unless PIXO_KAFKA is set (default ./%(default)s)",
    )


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Do it."""
    told = {} if given.kafka or environ.get("PIXO_KAFKA") else address.known(given.data)
    return command.run(given, {**environ, **told})
