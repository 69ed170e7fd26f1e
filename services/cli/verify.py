"""Recompute a finished job here, in one process, and compare. Exit code 0: the same; 3: not the same; 1: no telling.

The result is held against the SHA-256 in the job's state and against its ETag, then against what the source gives
here by the job's own plan: byte by byte, and where bytes differ pixel by pixel.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pixo import __version__, output
from pixo.errors import PixoError, Refusal
from pixo.imaging.apply import carry_out
from pixo.imaging.compare import difference
from pixo.imaging.plan import Plan
from services.cli import api
from services.cli.api import Api, Document

DIFFERENT = 3
"""Exit code: what is in the store is not what it should be."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("id", metavar="ID", help="the job's id")
    output.json_option(parser)
    api.arguments(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Verify it, and tell what was found."""
    with api.connect(given, environ) as server, tempfile.TemporaryDirectory(prefix="pixo-verify-") as folder:
        job = server.job(given.id)
        if job["status"] != "done":
            reason = f": {job['error']}" if job["error"] else ""
            raise Refusal("wrong-state", f"the job is {job['status']}{reason}; only one that is done can be verified")
        found = _compare(server, job, Path(folder))
    same = found["verdict"] in ("same bytes", "same pixels")
    if given.json:
        output.document({"id": job["id"], "same": same, **found})
    else:
        print(f"{job['id']}: {found['verdict']}: {found['detail']}", file=sys.stdout if same else sys.stderr)
    return 0 if same else DIFFERENT


def _compare(server: Api, job: Document, folder: Path) -> dict[str, Any]:
    """Return the verdict with a sentence and the digests."""
    source, final, again = (folder / name for name in ("source", "final", "again"))
    plan = msgspec.convert(server.get(f"jobs/{job['id']}/plan"), Plan)
    got, tag = server.fetch(job["links"]["result"], final)
    recorded = job["result"]["sha256"]
    digests = {"recorded": recorded, "etag": tag, "result": got, "recomputed": None}
    if not got == recorded == tag:
        text = f"the result has SHA-256 {got}, the job says {recorded}, the ETag {tag}"
        return {"verdict": "wrong digest", "detail": text, **digests}
    try:
        server.fetch(job["links"]["source"], source)
    except Refusal as error:
        raise PixoError(f"the source is gone, so the result cannot be recomputed ({error})") from error
    digests["recomputed"] = _recompute(source, plan, again)
    if digests["recomputed"] == got:
        return {"verdict": "same bytes", "detail": f"SHA-256 {got}, {plan.tiles} tiles by `{plan.engine}`", **digests}
    largest = difference(final, again, plan.output.format)
    if largest == 0:
        # Another version of a library may compress or write metadata otherwise.
        return {"verdict": "same pixels", "detail": f"other bytes here, by pixo {__version__}", **digests}
    amount = "in size or depth" if largest is None else f"by up to {largest:g} in a sample"
    text = f"the pixels differ {amount} from what pixo {__version__} makes of the source here"
    return {"verdict": "different pixels", "detail": text, **digests}


def _recompute(source: Path, plan: Plan, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:

        def write(data: bytes | memoryview) -> None:
            digest.update(data)
            file.write(data)

        carry_out(source, plan, write)
    return digest.hexdigest()
