"""Process an image here, in one process, by the same engine and without a server."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pixo.errors import ConfigError, PixoError
from pixo.imaging import apply
from pixo.imaging.chain import parse
from pixo.imaging.planner import Request
from pixo.settings import load
from services.cli import fields
from services.cli.replacing import replacing
from services.cli.targets import Targets


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the image")
    parser.add_argument("-o", dest="out", metavar="OUT|DIR", required=True, help="file or folder for the result")
    fields.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Process it; the result appears whole or not at all."""
    source: Path = given.file
    if not source.is_file():
        raise ConfigError(f"{source}: no such file")
    out = Path(given.out)
    targets = Targets([source], out, folder=given.out.endswith("/"), kind=given.format)
    given.format = given.format or targets.kind or "keep"
    wanted = fields.given_fields(given)
    chain = parse(wanted.pop("filters"))
    try:
        request = msgspec.convert(wanted, Request, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from error
    try:
        source.open("rb").close()
    except OSError as error:
        raise PixoError(f"cannot read {source}: {error.strerror}") from error
    plan = apply.settle(source, chain, request, load(environ).limits)
    target = targets.target(source, plan.output.format) or out
    with replacing(target) as part, part.open("wb") as file:
        apply.carry_out(source, plan, file.write)
    return 0
