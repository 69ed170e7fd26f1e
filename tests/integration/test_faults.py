"""Faults inside a worker, injected, and what the roles around it make of them; processes and servers are real."""

import urllib.error
import urllib.request
from http import HTTPStatus

from pixo import letters
from services.standalone.ports import free_port
from services.worker.breaker import IN_A_ROW
from services.worker.watchdog import STUCK
from tests.integration.pipeline import photo, reference
from tests.waiting import until


def ready(port):
    """Give the status and the body of a process's /readyz."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.status, answer.read().decode()


def buried(pipeline):
    """Give the dead letters."""
    return [letters.read(record) for record in pipeline.kafka.kept(f"{pipeline.prefix}dead-letters")]


def test_a_bad_deployment_buries_little(pipeline, tmp_path):
    """A worker in which every tile fails stops at the bound, unready, out of the group; a healthy one does the rest."""
    path = photo(tmp_path / "photo.jpg", 64, 48)
    port = free_port()
    (bad,) = pipeline.workers(1, PIXO_FAULTS="worker.tile:raise", PIXO_METRICS_PORT=str(port))
    jobs = [pipeline.submit(path, "invert") for _ in range(IN_A_ROW + 3)]

    why = f"{IN_A_ROW} jobs in a row failed in this worker"
    until(lambda: why in ready(port)[1], "it says why it is not ready")
    assert ready(port)[0] == HTTPStatus.SERVICE_UNAVAILABLE
    until(lambda: not pipeline.state.workers.alive(), "no worker lives")
    assert bad.poll() is None, "it rests, so that a rollout that waits for it stops"

    pipeline.begin("worker", "healthy")
    ended = [pipeline.end(job).status for job in jobs]
    assert ended.count("failed") == IN_A_ROW - 1
    assert ended.count("done") == 4
    assert len({letter.job for letter in buried(pipeline)}) == IN_A_ROW - 1


def test_a_tile_that_hangs_costs_its_worker_and_an_attempt(pipeline, tmp_path):
    """Past PIXO_TILE_TIMEOUT the worker ends with its code; the next one makes the tile, at the second attempt."""
    path = photo(tmp_path / "photo.jpg", 600, 400)
    hang = {"PIXO_FAULTS": f"worker.tile:hang@tile=2@once={tmp_path / 'mark'}", "PIXO_TILE_TIMEOUT": "2"}
    (worker,) = pipeline.workers(1, **hang)
    job = pipeline.submit(path, "invert", tile_size=128)
    assert worker.wait(60) == STUCK

    pipeline.begin("worker", "next", **hang)
    job = pipeline.end(job)
    assert job.status == "done", job.error
    assert pipeline.store.get(job.final) == reference(path, job.plan, tmp_path)
    assert [one.attempts for one in pipeline.state.jobs.tiles(job.id)][2] == 2
    assert not buried(pipeline)
