"""Start everything on this machine: broker, Valkey, web, results, monitor and workers. Ctrl-C stops it."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from services.standalone.command import up
from services.standalone.options import DATA, Options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--workers",
        type=int,
        default=_cores(),
        metavar="N",
        help="number of workers (default: one per core, %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, metavar="P", help="port of the page and the API (default 5001); 0: any free port"
    )
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="folder for jobs and results (default ./%(default)s)"
    )
    parser.add_argument("--kafka", metavar="apache|HOST:PORT", help="start a real Apache Kafka, or use a running one")
    parser.add_argument("--redis", metavar="URL", help="use a running Redis or Valkey")


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run until stopped."""
    up(Options(**vars(given)), environ)
    return 0


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
