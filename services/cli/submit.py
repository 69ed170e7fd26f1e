"""Process images on a server and fetch the results. Exit code 0: all done; 1: some failed; 2: wrong usage."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from pixo import output
from pixo.errors import ConfigError, PixoError
from services.cli import api, fields
from services.cli.api import Api, Document, Stopped
from services.cli.bar import Bar
from services.cli.following import follow
from services.cli.many import Many
from services.cli.targets import Targets, present

LAST = 3.0
"""Seconds that calls under way have to end when the user interrupts."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="images")
    parser.add_argument("-o", dest="out", metavar="OUT|DIR", help="file or folder for the results")
    fields.arguments(parser)
    parser.add_argument(
        "--tile-size", type=int, dest="tile_size", metavar="N", help="area of a tile, as the side of a square in pixels"
    )
    parser.add_argument("--priority", help="high: may use the slots reserved for small jobs")
    parser.add_argument("--no-wait", action="store_true", help="print the jobs' ids and exit")
    parser.add_argument(
        "-j", dest="at_once", type=int, default=4, metavar="N", help="files processed at once (default 4)"
    )
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Submit all files."""
    out = Path(given.out) if given.out else None
    if given.no_wait and out:
        raise ConfigError("--no-wait fetches no result: it cannot be combined with -o")
    if given.out == "-":
        raise ConfigError("-o -: results go to files; `pixo apply` writes to standard output")
    if given.at_once < 1:
        raise ConfigError(f"-j {given.at_once}: must be at least 1")
    for path in given.files:
        present(path)
    targets = Targets(given.files, out, folder=bool(given.out and given.out.endswith("/")), kind=given.format)
    given.format = given.format or targets.kind
    with api.connect(given, environ) as server, Bar(len(given.files), quiet=given.json or given.no_wait) as bar:
        submission = Submission(
            server, fields.given_fields(given), targets, bar, wait=not given.no_wait, json=given.json
        )
        many = Many(submission.take, given.files, given.at_once)
        try:
            return 0 if many.end() else 1
        except KeyboardInterrupt:
            server.stop()
            many.leave(LAST)
            submission.tell_what_goes_on()
            raise


class Submission:
    """Takes files through a server, one call a file; safe to use from many threads."""

    def __init__(
        self,
        server: Api,
        wanted: Mapping[str, str],
        targets: Targets,
        bar: Bar,
        *,
        wait: bool = True,
        json: bool = False,
    ) -> None:
        self._server = server
        self._wanted = wanted
        self._targets = targets
        self._bar = bar
        self._wait = wait
        self._json = json
        self._under_way: dict[Path, Document] = {}

    def take(self, source: Path) -> bool:
        """Take one file through and tell its outcome; False when it failed."""
        try:
            job = self._server.submit(source, self._wanted)
            if self._wait:
                job = _done(follow(self._server, job, lambda seen: self._show(source, seen)))
            self._tell(source, job, self._fetch(source, job))
        except Stopped:
            return False
        except (PixoError, OSError, UnicodeError) as error:
            print(f"pixo: {source}: {error}", file=sys.stderr, flush=True)
            if self._json:
                output.document(
                    {**self._under_way.get(source, {}), "file": str(source), "saved": None, "error": str(error)}
                )
            well = False
        else:
            well = True
        finally:
            self._bar.ended()
        self._under_way.pop(source, None)
        return well

    def tell_what_goes_on(self) -> None:
        """Name the jobs that were not followed to their end, and those whose results were not fetched."""
        for source, job in list(self._under_way.items()):
            if job["status"] == "done":
                said = f"is done; its result is at {self._server.url(job['links']['result'])}"
            else:
                said = f"continues; follow it with: pixo watch {job['id']}"
            print(f"pixo: {source}: job {job['id']} {said}", file=sys.stderr, flush=True)

    def _show(self, source: Path, job: Document) -> None:
        self._under_way[source] = job
        self._bar.show(job)

    def _fetch(self, source: Path, job: Document) -> Path | None:
        target = self._targets.target(source, job["format"]) if self._wait else None
        if target:
            self._server.download(job, target)
        return target

    def _tell(self, source: Path, job: Document, target: Path | None) -> None:
        if self._json:
            output.document({**job, "file": str(source), "saved": str(target) if target else None})
        elif not self._wait:
            self._bar.line(job["id"])
        else:
            self._bar.line(f"{source} -> {target or self._server.url(job['links']['result'])}")


def _done(job: Document) -> Document:
    """Return the job if it is done, else raise with its reason."""
    if job["status"] != "done":
        raise PixoError(job["error"] or f"the job was {job['status']}")
    return job
