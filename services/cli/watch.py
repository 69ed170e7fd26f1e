"""Follow a job to its end. Exit code 0: done; 1: failed, cancelled or expired."""

import argparse
from collections.abc import Mapping

from pixo import output
from services.cli import api
from services.cli.bar import Bar
from services.cli.following import follow


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("id", metavar="ID", help="the job's id")
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Follow it; with --json each state on the way is a line."""
    with api.connect(given, environ) as server, Bar(1, quiet=given.json) as bar:
        job = follow(server, server.job(given.id), output.document if given.json else bar.show)
    if not given.json:
        result = server.url(job["links"]["result"]) if job["status"] == "done" else job["error"] or ""
        print(f"{job['status']}  {result}".rstrip())
    return 0 if job["status"] == "done" else 1
