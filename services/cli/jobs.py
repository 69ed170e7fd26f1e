"""List jobs, newest first."""

import argparse
from collections.abc import Mapping

from pixo import output
from services.cli import api


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--status", help="only jobs in this state: queued, processing, stitching, done, failed, cancelled, expired"
    )
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most this many (default 20)")
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print them."""
    with api.connect(given, environ) as server:
        page = server.get("jobs", status=given.status, limit=given.limit)
    if given.json:
        output.document(page)
        return 0
    rows = [
        [
            job["id"],
            job["status"],
            f"{job['progress']:.0%}",
            f"{job['width']}x{job['height']}" if job["width"] else "",
            job["filters"],
            job["created"],
            job["filename"],
        ]
        for job in page["jobs"]
    ]
    output.table(("ID", "STATUS", "DONE", "SIZE", "FILTERS", "CREATED", "FILE"), rows)
    return 0
