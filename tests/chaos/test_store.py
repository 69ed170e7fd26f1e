"""The store full, slow, failing and gone in the middle of jobs (scenario 44)."""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chaos.installation import Installation
from tests.chaos.pictures import Pictures
from tests.chaos.proxy import FaultProxy
from tests.chaos.run import Run
from tests.waiting import until

PIECE = 200_000
"""Bytes that every piece of this job has at least."""


def test_disk_full(run: Run, pictures: Pictures) -> None:
    """No piece can be written for a while: the tiles wait, no attempt is counted, and the job ends right."""
    pixo = run.installation
    pids = [role.pid for role in pixo.roles]
    for worker in pixo.workers:
        # What a full disk is to a process: a write that the system refuses. Its pieces are longer; its log, which all
        # scenarios before wrote to, must be shorter.
        os.truncate(worker.log, 0)
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (PIECE // 2, resource.RLIM_INFINITY))
    run.submit(pictures.kind(2400, 1800, filters="invert", tile_size="1024"))
    until(lambda: any("File too large" in worker.tail(2000) for worker in pixo.workers), "a piece is refused")
    for worker in pixo.workers:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger = run.finish()

    assert ledger.duplicates == 0
    assert [role.pid for role in pixo.roles] == pids


@pytest.fixture(scope="module")
def gateway(s3_server: tuple[str, Path]) -> Iterator[FaultProxy]:
    """Give a proxy before a real S3 server."""
    with FaultProxy(urlsplit(s3_server[0]).port or 0) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def in_bucket(gateway: FaultProxy, s3_server: tuple[str, Path], start: Callable[..., Installation]) -> Installation:
    """Give an installation whose bytes lie in a bucket behind the proxy."""
    (s3_server[1] / "chaos").mkdir()
    environ = {
        "PIXO_STORE": "s3://chaos/some/prefix",
        "PIXO_STORE_ENDPOINT": gateway.url,
        "PIXO_STORE_ACCESS_KEY": "key",
        "PIXO_STORE_SECRET_KEY": "secret",
    }
    return start(workers=2, environ=environ)


@pytest.mark.parametrize("mood", ["slow", "error", "reset"])
def test_bucket(
    gateway: FaultProxy,
    in_bucket: Installation,
    begin_run: Callable[[Installation], Run],
    pictures: Pictures,
    mood: str,
) -> None:
    """For five seconds every request to the bucket is slow, answered 500 or broken off: jobs wait and end right."""
    run = begin_run(in_bucket)
    pids = [role.pid for role in in_bucket.roles]
    job = run.submit(pictures.kind(2400, 1800, filters="median:radius=4", tile_size="128"))
    run.begun(job)
    gateway.mood = mood
    try:
        answers = run.knock(pictures.kind(640, 480, filters="invert"), seconds=5)
    finally:
        gateway.mood = "well"
    run.finish(note=f"{gateway.harmed[mood]} requests harmed; answers meanwhile: {dict(answers)}")

    assert gateway.harmed[mood] > 0
    assert set(answers) <= {202, 503}
    assert [role.pid for role in in_bucket.roles] == pids
