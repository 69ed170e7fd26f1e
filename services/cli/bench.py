"""Measure against other tools; what follows is passed on to the benchmark. Needs a checkout."""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import services
from pixo.errors import PixoError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: the benchmark has its own."""
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="options of the benchmark")


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the benchmark of the checkout that this is installed from."""
    checkout = Path(services.__file__).parents[1]
    if not (checkout / "bench" / "__main__.py").exists():
        raise PixoError("the benchmarks are not installed with Pixo; they are in its checkout: make bench")
    command = [sys.executable, "-m", "bench", *given.rest]
    return subprocess.run(command, cwd=checkout, env=dict(environ), check=False).returncode
