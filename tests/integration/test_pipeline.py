"""A photo through the real roles: processes of their own, a real broker, a real Valkey, a folder."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from math import ceil
from pathlib import Path
from secrets import token_hex

import msgspec
import numpy as np
import pytest
import simplejpeg
from msgspec.structs import replace
from PIL import Image

from pixo import broker, settings, state, store, topics
from pixo.broker import Admin
from pixo.dispatch import Dispatcher
from pixo.imaging import metadata
from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.decode import open_reader
from pixo.imaging.join import join
from pixo.imaging.limits import Limits
from pixo.imaging.plan import Plan
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from pixo.imaging.tile import render
from pixo.state.records import Job, Spec
from pixo.store import names

PATIENCE = 60.0
REQUEST = Request()
SLOW = "median:radius=4,median:radius=5,median:radius=6"
"""A chain that takes long enough for something to happen meanwhile."""


def until(true, seconds=PATIENCE):
    """Wait until the condition holds and give its value; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(0.05)  # between two looks
    return pytest.fail(f"not so after {seconds} s: {true}")


class Pipeline:
    """The roles, and what a client needs to put jobs in."""

    def __init__(self, folder: Path, environ: dict[str, str], stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.prefix = environ["PIXO_TOPIC_PREFIX"]
        self._environ = environ
        self._processes: list[subprocess.Popen[bytes]] = []
        stack.callback(self.stop)
        config = settings.load(environ)
        self.state = stack.enter_context(contextlib.closing(state.open(config.redis)))
        self.store = store.open(config.store)
        kafka = stack.enter_context(contextlib.closing(broker.open(config.kafka, "test")))
        self.admin: Admin = kafka.admin()
        self.admin.ensure(topics.specs(config.kafka))
        self.dispatcher = Dispatcher(
            self.state,
            kafka.producer(),
            topics.names(config.kafka),
            time.monotonic,
            store=self.store,
            admin=self.admin,
        )
        self.results = self.begin("results", "results")
        self.monitor = self.begin("monitor", "monitor")

    def begin(self, role: str, name: str) -> subprocess.Popen[bytes]:
        """Start a process of a role; it is stopped at the end, if it still lives."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{role}"],
                env={**os.environ, **self._environ, "WORKER_ID": name},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """Stop all processes that still live."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def workers(self, count: int) -> list[subprocess.Popen[bytes]]:
        """Start so many workers and wait until all hold partitions."""
        started = [self.begin("worker", f"worker{n}") for n in range(count)]
        until(lambda: sum(bool(one.partitions) for one in self.state.workers.alive()) == count)
        return started

    def submit(self, path: Path, filters: str, *, tile_size: int | None = None, request: Request = REQUEST) -> Job:
        """Do what web does with an upload."""
        made = plan(probe(path), parse(filters), request, Limits(), tile_size=tile_size, workers=2, busy=False)
        spec = Spec(
            id=token_hex(8),
            created=time.time(),
            filename=path.name,
            bytes=path.stat().st_size,
            filters=made.chain,
            small=True,
            weight=ceil(made.width * made.height / 512**2),
            deadline_s=600.0,
            plan=made,
        )
        self.store.put(names.source(spec.id), path.read_bytes())
        self.store.put(names.job_record(spec.id), msgspec.json.encode(spec))
        self.state.queue.add(spec.id, round(spec.created * 1000))
        self.state.jobs.create(spec)
        self.dispatcher.enrol(spec.id, spec)
        self.dispatcher.admit()
        return self.state.jobs.read(spec.id)

    def end(self, job: Job) -> Job:
        """Wait until the job has ended."""
        ended = self.state.jobs.wait_end(job.id, PATIENCE)
        assert ended is not None
        assert not ended.live, f"{ended.status}, {ended.done} of {ended.total}"
        return ended

    def settled(self, job: Job) -> bool:
        """Whether the job's end is recorded and its place is free."""
        return self.store.size(names.end(job.id)) is not None and job.id not in self.state.queue.active()

    def logs(self) -> str:
        """Give all that the roles said."""
        return "\n".join(path.name + "\n" + path.read_text() for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
def pipeline(tmp_path, valkey_url, tansu) -> Iterator[Pipeline]:
    """Give results and monitor, running; workers are the test's to start."""
    environ = {
        "PIXO_KAFKA": tansu,
        "PIXO_KAFKA_PROFILE": "embedded",
        "PIXO_TOPIC_PREFIX": f"{token_hex(4)}-",
        "PIXO_TASKS_PARTITIONS": "2",
        "PIXO_RESULTS_PARTITIONS": "1",
        "PIXO_REDIS": valkey_url,
        "PIXO_STORE": f"file://{tmp_path}/store",
        "PIXO_METRICS_PORT": "0",
    }
    with contextlib.ExitStack() as stack:
        made = Pipeline(tmp_path, environ, stack)
        yield made
        print(made.logs())  # noqa: T201 - pytest shows it when the test fails


def photo(path: Path, width: int, height: int) -> Path:
    """Write a JPEG with gradients and noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(0, 40, (height, width, 3))
    smooth = np.stack([rows * 200 // height, columns * 200 // width, (rows + columns) % 200], axis=2)
    path.write_bytes(simplejpeg.encode_jpeg((smooth + noise).astype(np.uint8), quality=90))
    return path


def reference(path: Path, made: Plan, cache: Path) -> bytes:
    """Give the bytes that a job of this plan has to give, made in this process."""
    parts: list[bytes] = []
    with open_reader(path, made, start=0, until=made.height, cache=cache) as reader:
        pieces = (render(reader, made, parse(made.chain), tile) for tile in range(made.tiles))
        join(made, metadata.read(path), pieces, parts.append)
    return b"".join(parts)


def pixels(data: bytes) -> np.ndarray:
    """Decode an image."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


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
        until(lambda job=job: pipeline.settled(job))
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
        until(lambda job=job: pipeline.settled(job))
        told = [event.fields["status"] for event in pipeline.state.jobs.events(job.id, "0") if event.kind == "status"]
        assert ("stitching" in told) == (form == "webp")


def test_a_killed_worker_changes_nothing(pipeline, tmp_path):
    """SIGKILL of one of two workers in the middle of a job: it ends done, with the bytes of an undisturbed run."""
    path = photo(tmp_path / "photo.jpg", 2400, 1800)
    first, _ = pipeline.workers(2)
    job = pipeline.submit(path, SLOW, tile_size=128)
    until(lambda: pipeline.state.jobs.read(job.id).done >= 2)
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
    until(lambda: pipeline.state.jobs.read(job.id).done >= 2)
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
    until(lambda: pipeline.state.jobs.read(job.id).done >= 1)
    assert pipeline.state.jobs.cancel(job.id) == "cancelled"
    pipeline.dispatcher.ended(job.id)
    small = replace(pipeline.submit(path, "invert"))
    assert pipeline.end(small).status == "done"
    assert pipeline.state.jobs.read(job.id).status == "cancelled"
    assert pipeline.state.jobs.read(job.id).done < job.total
    until(lambda: pipeline.settled(job))


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
    until(lambda: pipeline.settled(job))
    letters = f"{pipeline.prefix}dead-letters"
    assert sum(pipeline.admin.ends(letters).values()) >= 1


def test_lost_pieces_are_made_again(pipeline, tmp_path):
    """A piece that vanishes between its report and the join is made again, and the job ends done."""
    path = photo(tmp_path / "photo.jpg", 1600, 1200)
    pipeline.workers(1)
    pipeline.results.send_signal(signal.SIGSTOP)
    job = pipeline.submit(path, "grayscale", tile_size=256)
    pieces = f"{names.prefix(job.id)}tiles/"
    found = until(lambda: sorted(blob.key for blob in pipeline.store.list(pieces)))
    pipeline.store.delete(found[0])
    pipeline.results.send_signal(signal.SIGCONT)
    job = pipeline.end(job)
    assert job.status == "done", job.error
    assert pipeline.store.get(job.final) == reference(path, job.plan, tmp_path)
    assert job.reopens == 1
