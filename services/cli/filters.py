"""List filters and their parameters, of this installation or of a server."""

import argparse
from collections.abc import Mapping
from typing import Any

from pixo import output


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    output.json_option(parser)
    parser.add_argument("--server", metavar="URL", help="ask this server (default: this installation)")
    parser.add_argument("--token", help="the server's API token")


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print them."""
    found = _of_server(given, environ) if given.server else _installed()
    if given.json:
        output.document({"filters": found})
        return 0
    rows = [[one["name"], one["help"], ", ".join(map(_parameter, one["parameters"]))] for one in found]
    output.table(("NAME", "DOES", "PARAMETERS"), rows)
    return 0


def _of_server(given: argparse.Namespace, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    from services.cli import api  # noqa: PLC0415 - either this or the imaging library is needed

    with api.connect(given, environ) as server:
        found: list[dict[str, Any]] = server.get("filters")["filters"]
    return found


def _installed() -> list[dict[str, Any]]:
    from pixo.imaging.filters import catalogue  # noqa: PLC0415 - see above

    return catalogue()


def _parameter(one: dict[str, Any]) -> str:
    """Return ``sigma=2 (0.1 to 50)``."""
    if one.get("choices"):
        span = "|".join(map(str, one["choices"]))
    elif one.get("minimum") is not None:
        span = (
            f"{one['minimum']:g} to {one['maximum']:g}"
            if one.get("maximum") is not None
            else f"from {one['minimum']:g}"
        )
    else:
        span = one["type"]
    return f"{one['name']}={one['default']} ({span})"
