"""Paint a large picture and process it on a server, with progress, when there is no photo at hand."""

import argparse
import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pixo.errors import ConfigError, PixoError
from services.cli import api, fields
from services.cli.bar import Bar
from services.cli.painting import Painting
from services.cli.submit import Submission
from services.cli.targets import Targets, named


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--megapixels", type=float, default=59.0, metavar="N", help="size of the picture (default 59)")
    parser.add_argument("-o", dest="out", metavar="OUT|DIR", help="the result (default pixo-demo.jpg)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="keep the painted picture here")
    fields.arguments(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Paint, submit, fetch."""
    if not 0.01 <= given.megapixels <= 4000:
        raise ConfigError(f"--megapixels {given.megapixels:g}: must be from 0.01 to 4000")
    height = 9 * max(1, int(math.sqrt(given.megapixels * 1e6 * 9 / 16) / 9))
    with tempfile.TemporaryDirectory(prefix="pixo-demo-") as folder, api.connect(given, environ) as server:
        server.get("workers")  # nobody should wait for a painting that cannot be sent
        picture: Path = given.picture or Path(folder, "demo.jpg")
        kept = given.format in {None, "keep"}
        out = given.out or named(Path("pixo-demo.jpg"), "jpeg" if kept else given.format)
        targets = Targets([picture], Path(out), folder=out.endswith("/"), kind=given.format)
        given.format = given.format or targets.kind
        painting = Painting(height * 16 // 9, height)
        print(f"painting {painting.width} x {painting.height} pixels ...", flush=True)
        try:
            with picture.open("wb") as file:
                painting.write(file.write)
        except OSError as error:
            raise PixoError(f"cannot write {picture}: {error.strerror}") from error
        start = time.monotonic()
        with Bar(1) as bar:
            done = Submission(server, fields.given_fields(given), targets, bar).take(picture)
    if done:
        print(
            f"{picture.name} took {time.monotonic() - start:.1f} s from upload to result; the page is {server.url('/')}"
        )
    return 0 if done else 1
