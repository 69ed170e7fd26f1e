"""Show workers, lag, throughput and jobs, live, until Ctrl-C; once if the output is not a terminal."""

import argparse
import sys
import time
from collections.abc import Mapping
from datetime import datetime

from pixo import output
from pixo.errors import TryAgain
from services.cli import api, glance
from services.cli.screen import Screen

PATIENCE = 2.0
"""Seconds after which a server that does not answer is said to be away."""
ANSWER = 10.0
"""Seconds after which one that is there, and gives no answer, is."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--every", type=float, default=2.0, metavar="S", help="seconds between updates (default 2)")
    parser.add_argument("--once", action="store_true", help="print once and exit")
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Look again and again."""
    with api.connect(given, environ, PATIENCE, ANSWER) as server:
        look = glance.take(server)
        if given.json:
            output.document(look.documents)
            return 0
        if given.once or not sys.stdout.isatty():
            print("\n".join(glance.lines(look, server.url(""), "")))
            return 0
        try:
            _watch(server, look, max(0.2, given.every))
        except KeyboardInterrupt:
            return 0
    return 0


def _watch(server: api.Api, look: glance.Glance, every: float) -> None:
    with Screen() as screen:
        seen, trouble = _now(), ""
        while True:
            # Figures are as old as the last look that the server answered, however often they are drawn.
            note = f"as of {seen}, no answer since: {trouble}" if trouble else seen
            screen.show(glance.lines(look, server.url(""), note))
            time.sleep(every)
            try:
                look, seen, trouble = glance.take(server, look), _now(), ""
            except TryAgain as error:
                trouble = str(error)


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
