"""The real roles as processes of their own, for tests that put jobs through them."""

import contextlib
import io
import os
import subprocess
import sys
import time
from math import ceil
from pathlib import Path
from secrets import token_hex

import msgspec
import numpy as np
import simplejpeg
from PIL import Image

from pixo import broker, settings, state, store, topics
from pixo.broker import Admin
from pixo.dispatch import Dispatcher
from pixo.imaging import metadata
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
from tests.waiting import until

PATIENCE = 240.0
REQUEST = Request()
SLOW = "median:radius=4,median:radius=5,median:radius=6"
"""A chain that takes long enough for something to happen meanwhile."""


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
        self.kafka = stack.enter_context(contextlib.closing(broker.open(config.kafka, "test")))
        self.admin: Admin = self.kafka.admin()
        self.admin.ensure(topics.specs(config.kafka))
        self.dispatcher = Dispatcher(
            self.state,
            self.kafka.producer(),
            topics.names(config.kafka),
            time.monotonic,
            store=self.store,
            admin=self.admin,
        )
        self.results = self.begin("results", "results")
        self.monitor = self.begin("monitor", "monitor")

    def begin(self, role: str, name: str, **environ: str) -> subprocess.Popen[bytes]:
        """Start a process of a role, with these settings too; it is stopped at the end, if it still lives."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{role}"],
                env={**os.environ, **self._environ, **environ, "WORKER_ID": name},
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

    def workers(self, count: int, **environ: str) -> list[subprocess.Popen[bytes]]:
        """Start so many workers, with these settings too, and wait until all hold partitions."""
        started = [self.begin("worker", f"worker{n}", **environ) for n in range(count)]
        until(
            lambda: sum(bool(one.partitions) for one in self.state.workers.alive()) == count,
            f"{count} workers share the partitions",
        )
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
