"""Process an image here, in one process, by the same engine and without a server."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from pixo.errors import ConfigError
from pixo.imaging import apply
from pixo.imaging.chain import parse
from pixo.imaging.planner import Request
from pixo.settings import load
from services.cli import fields
from services.cli.replacing import replacing
from services.cli.targets import Targets, readable


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", help="the image; -: standard input")
    parser.add_argument(
        "-o", dest="out", metavar="OUT|DIR", required=True, help="file or folder for the result; -: standard output"
    )
    fields.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Process it; the result appears whole or not at all, unless it goes to standard output."""
    with ExitStack() as stack:
        source = stack.enter_context(_standard_input()) if given.file == "-" else readable(Path(given.file))
        out = None if given.out == "-" else Path(given.out)
        if out is None and sys.stdout.isatty():
            raise ConfigError("-o -: an image is nothing for a terminal; redirect the output")
        targets = Targets([source], out, folder=given.out.endswith("/"), kind=given.format)
        given.format = given.format or targets.kind or "keep"
        wanted = fields.given_fields(given)
        chain = parse(wanted.pop("filters"))
        plan = apply.settle(source, chain, msgspec.convert(wanted, Request, strict=False), load(environ).limits)
        target = targets.target(source, plan.output.format)
        if target is None:
            apply.carry_out(source, plan, sys.stdout.buffer.write)
            return 0
        with replacing(target) as part, part.open("wb") as file:
            apply.carry_out(source, plan, file.write)
    return 0


@contextmanager
def _standard_input() -> Iterator[Path]:
    """Give a file with what comes in, since decoders begin anew and look ahead; it is named `stdin`."""
    with TemporaryDirectory(prefix="pixo-") as folder:
        path = Path(folder, "stdin")
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        yield path
