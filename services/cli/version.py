"""Print the version."""

import argparse
import platform
from collections.abc import Mapping

from pixo import __version__, output


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    output.json_option(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print it."""
    del environ
    if given.json:
        output.document({"version": __version__, "python": platform.python_version()})
    else:
        print(f"pixo {__version__}")
    return 0
