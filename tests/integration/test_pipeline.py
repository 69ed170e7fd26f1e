"""A photo through the real roles: processes of their own, a real broker, a real Valkey, a folder."""

import signal
from hashlib import sha256

import numpy as np
from msgspec.structs import replace
from PIL import Image

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request
from pixo.store import names
from tests.integration.pipeline import REQUEST, SLOW, photo, pixels, reference
from tests.waiting import until


def test_a_photo_comes_out_as_one_process_makes_it(pipeline, tmp_path):
    """Two workers give the pixels that apply gives, under the SHA-256 in the state; all indexes are empty after."""
    path = photo(tmp_path / "photo.jpg", 1600, 1200)
    pipeline.workers(2)
    for filters in ("grayscale", "blur:sigma=2,invert"):
        job = pipeline.end(pipeline.submit(path, filters, tile_size=256))
        assert job.status == "done", job.error
        final = pipeline.store.get(job.final)
        assert final == reference(path, job.plan, tmp_path)
        alone: list[bytes] = []
        apply(path, parse(filters), REQUEST, Limits(), alone.append)
        assert np.array_equal(pixels(final), pixels(b"".join(alone)))
        until(lambda job=job: pipeline.settled(job), "the job has settled")
    assert {one.worker for one in pipeline.state.jobs.tiles(job.id)} <= {"worker0", "worker1"}
    assert pipeline.state.queue.waiting() == 0


def test_a_photo_of_one_tile_needs_no_join(pipeline, tmp_path):
    """The worker's piece is the final, with the source's metadata: the bytes that apply gives, stored once."""
    path = tmp_path / "photo.jpg"
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.open(photo(path, 320, 240)).save(path, quality=90, exif=tags, dpi=(300, 300))
    pipeline.workers(1)
    for form in ("jpeg", "png", "webp"):
        job = pipeline.end(pipeline.submit(path, "invert", request=Request(format=form)))
        assert (job.status, job.total) == ("done", 1), job.error
        final = pipeline.store.get(job.final)
        assert final == reference(path, job.plan, tmp_path)
        assert sha256(final).hexdigest() == job.sha256
        assert len(final) == job.size
        until(lambda job=job: pipeline.settled(job), "the job has settled")
        told = [event.fields["status"] for event in pipeline.state.jobs.events(job.id, "0") if event.kind == "status"]
        assert ("stitching" in told) == (form == "webp")


def test_a_killed_worker_changes_nothing(pipeline, tmp_path):
    """SIGKILL of one of two workers in the middle of a job: it ends done, with the bytes of an undisturbed run."""
    path = photo(tmp_path / "photo.jpg", 2400, 1800)
    first, _ = pipeline.workers(2)
    job = pipeline.submit(path, SLOW, tile_size=128)
    until(lambda: pipeline.state.jobs.read(job.id).done >= 2, "2 tiles are done")
    first.kill()
    first.wait()
    done_then = pipeline.state.jobs.read(job.id).done
    job = pipeline.end(job)
    assert done_then < job.total, "the worker was killed too late to prove anything"
    assert job.status == "done", job.error
    assert pipeline.store.get(job.final) == reference(path, job.plan, tmp_path)


def test_sigterm_ends_every_role_cleanly(pipeline, tmp_path):
    """SIGTERM in the middle of a job: exit code 0 within seconds, and a later worker ends the job."""
    path = photo(tmp_path / "photo.jpg", 2400, 1800)
    (worker,) = pipeline.workers(1)
    job = pipeline.submit(path, SLOW, tile_size=128)
    until(lambda: pipeline.state.jobs.read(job.id).done >= 2, "2 tiles are done")
    for process in (worker, pipeline.results, pipeline.monitor):
        process.send_signal(signal.SIGTERM)
    assert [process.wait(20) for process in (worker, pipeline.results, pipeline.monitor)] == [0, 0, 0]
    assert pipeline.state.jobs.read(job.id).status == "processing"
    pipeline.begin("results", "results2")
    pipeline.begin("worker", "worker2")
    job = pipeline.end(job)
    assert job.status == "done", job.error
    assert pipeline.store.get(job.final) == reference(path, job.plan, tmp_path)
    attempts = [one.attempts for one in pipeline.state.jobs.tiles(job.id)]
    assert max(attempts) == 1, "no tile was begun twice"


def test_a_cancelled_job_stays_cancelled(pipeline, tmp_path):
    """After a cancel no tile is worked on any more, the end is recorded, and the next job runs."""
    path = photo(tmp_path / "photo.jpg", 2400, 1800)
    pipeline.workers(1)
    job = pipeline.submit(path, SLOW, tile_size=128)
    until(lambda: pipeline.state.jobs.read(job.id).done >= 1, "a tile is done")
    assert pipeline.state.jobs.cancel(job.id) == "cancelled"
    pipeline.dispatcher.ended(job.id)
    small = replace(pipeline.submit(path, "invert"))
    assert pipeline.end(small).status == "done"
    assert pipeline.state.jobs.read(job.id).status == "cancelled"
    assert pipeline.state.jobs.read(job.id).done < job.total
    until(lambda: pipeline.settled(job), "the job has settled")


def test_a_broken_image_fails_with_its_reason(pipeline, tmp_path):
    """Pixels that end too early fail the job at the first attempt, with words for its owner and a dead letter."""
    path = photo(tmp_path / "photo.jpg", 1600, 1200)
    pipeline.workers(1)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    job = pipeline.end(pipeline.submit(cut, "invert", tile_size=256))
    assert job.status == "failed"
    assert "JPEG" in job.error or "image" in job.error
    assert job.dead is not None
    until(lambda: pipeline.settled(job), "the job has settled")
    letters = f"{pipeline.prefix}dead-letters"
    assert sum(pipeline.admin.ends(letters).values()) >= 1


def test_lost_pieces_are_made_again(pipeline, tmp_path):
    """A piece that vanishes between its report and the join is made again, and the job ends done."""
    path = photo(tmp_path / "photo.jpg", 1600, 1200)
    pipeline.workers(1)
    pipeline.results.send_signal(signal.SIGSTOP)
    job = pipeline.submit(path, "grayscale", tile_size=256)
    pieces = f"{names.prefix(job.id)}tiles/"
    until(lambda: list(pipeline.store.list(pieces)), "a piece is there")
    found = sorted(blob.key for blob in pipeline.store.list(pieces))
    pipeline.store.delete(found[0])
    pipeline.results.send_signal(signal.SIGCONT)
    job = pipeline.end(job)
    assert job.status == "done", job.error
    assert pipeline.store.get(job.final) == reference(path, job.plan, tmp_path)
    assert job.reopens == 1
