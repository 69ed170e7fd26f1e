"""The parts of a results role, and hands that do the work of the other roles."""

import contextlib
import time
from secrets import token_hex

import msgspec
import numpy as np
from isal.isal_zlib import crc32
from msgspec.structs import replace

from pixo import messages, settings, state, store, topics
from pixo.broker import Record
from pixo.broker.memory import MemoryBroker
from pixo.dispatch import Dispatcher
from pixo.imaging.chain import parse
from pixo.imaging.encode import encode
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from pixo.messages import TileDone, TileTask
from pixo.state.records import Spec
from pixo.store import names
from services.results.handler import Handler
from services.results.joiner import Joiner
from services.results.leases import Leases
from services.results.orphans import Orphans
from services.results.reconciler import Reconciler
from services.results.sweep import Sweep


class Results:
    """The parts of the role, a clock for its sweeps, and hands that do a worker's work."""

    def __init__(self, valkey_url, folder, stack):
        config = settings.load({"PIXO_REDIS": valkey_url, "PIXO_STORE": f"file://{folder}/blobs"})
        self.folder = folder
        self.state = stack.enter_context(contextlib.closing(state.open(config.redis)))
        self.store = store.open(config.store)
        self.broker = MemoryBroker()
        self.admin = self.broker.admin()
        self.admin.ensure(topics.specs(config.kafka))
        self.names = topics.names(config.kafka)
        producer = self.broker.producer()
        self.dispatcher = Dispatcher(
            self.state, producer, self.names, time.monotonic, store=self.store, admin=self.admin
        )
        self.joiner = Joiner(
            state=self.state,
            store=self.store,
            producer=producer,
            dispatcher=self.dispatcher,
            leases=Leases(self.state.jobs.renew_join),
        )
        self.wanted: list[str] = []
        self.handler = Handler(state=self.state, dispatcher=self.dispatcher, producer=producer, join=self.wanted.append)
        self.now = time.time()
        self.sweep = Sweep(state=self.state, store=self.store, dispatcher=self.dispatcher, clock=lambda: self.now)
        self.orphans = Orphans(state=self.state, store=self.store, restored=self.sweep.round, clock=lambda: self.now)
        self.reconciler = Reconciler(
            state=self.state,
            admin=self.admin,
            producer=producer,
            dispatcher=self.dispatcher,
            topics=self.names,
            join=self.wanted.append,
        )

    def spec(self) -> Spec:
        """Give a job of eight tiles whose source and job.json are in the store."""
        path = self.folder / "source.png"
        if not path.exists():
            from PIL import Image  # noqa: PLC0415 - here only

            Image.fromarray(np.arange(64 * 128, dtype=np.uint32).astype(np.uint8).reshape(128, 64)).save(path)
        made = plan(probe(path), parse("invert"), Request(), Limits(), tile_size=16, workers=1, busy=False)
        spec = Spec(
            id=token_hex(8),
            created=round(self.now, 3),
            filename="source.png",
            bytes=path.stat().st_size,
            filters=made.chain,
            small=True,
            weight=1,
            deadline_s=600.0,
            # As if passing over rows were cheap, so that a second lane pays.
            plan=replace(made, skip=0.3),
        )
        self.store.put(names.source(spec.id), path.read_bytes())
        self.store.put(names.job_record(spec.id), msgspec.json.encode(spec))
        return spec

    def submit(self) -> Spec:
        """Do what web does."""
        spec = self.spec()
        self.state.queue.add(spec.id, round(spec.created * 1000))
        self.state.jobs.create(spec)
        self.dispatcher.enrol(spec.id, spec)
        self.dispatcher.admit()
        return spec

    def done(self) -> Spec:
        """Take a job to its end."""
        spec = self.submit()
        self.finish(spec.id)
        assert self.wanted.pop() == spec.id
        assert self.joiner.join(spec.id, "tok")
        self.dispatcher.ended(spec.id)
        return spec

    def tasks(self, job: str) -> list[TileTask]:
        """Give the tasks of a job that were ever published."""
        found = [messages.decode(record.value) for log in self.broker.log(self.names.tasks) for record in log]
        return [one for one in found if one.job == job]

    def make(self, task: TileTask, token: str = "t") -> TileDone:  # noqa: S107 - no secret
        """Do a worker's work."""
        top, bottom = task.plan.box(task.tile)
        piece = encode(np.full((bottom - top, task.plan.width, 1), task.tile, np.uint8), task.plan)
        self.store.put(names.tile(task.job, task.tile, token), piece)
        return TileDone(
            job=task.job,
            gen=task.gen,
            tile=task.tile,
            token=token,
            lane=task.lane,
            size=len(piece),
            crc=crc32(piece),
            worker="w",
            ms=1,
        )

    def hear(self, message) -> None:
        """Handle a record of `results`."""
        finish = self.handler.handle(Record(self.names.results, 0, 0, messages.encode(message), {}, 0))
        if finish:
            finish()

    def finish(self, job: str) -> None:
        """Make and report tile after tile until none is left."""
        done: set[int] = set()
        while fresh := [task for task in self.tasks(job) if task.tile not in done]:
            for task in fresh:
                if task.tile not in done:
                    done.add(task.tile)
                    self.hear(self.make(task))

    def status(self, job: str) -> str:
        """Give the job's status, or `gone`."""
        found = self.state.jobs.read(job)
        return found.status if found else "gone"

    def forget(self) -> None:
        """Let Redis lose its memory."""
        self.state._client.flushall()
