"""The web role with real parts around it (Valkey, a folder of blobs, a broker in memory); all roles as processes."""

import contextlib
import io
import time
from collections.abc import Iterator
from hashlib import sha256
from secrets import token_hex
from zlib import crc32

import msgspec
import numpy as np
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from pixo import settings as all_settings
from pixo import state, store, topics
from pixo.broker.memory import MemoryBroker
from pixo.dispatch import Dispatcher
from pixo.imaging.encode import encode
from pixo.imaging.join import join
from pixo.imaging.metadata import Metadata
from pixo.messages import TileDone
from pixo.store import names
from services.web.app import create_app
from services.web.parts import Parts
from services.web.reach import Reach
from services.web.room import Room
from tests.integration import openapi
from tests.integration.healing import Results
from tests.integration.pipeline import Pipeline


def picture(width=64, height=48, *, form="JPEG", mode="RGB", **options):
    """Give the bytes of a small image."""
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


class Web:
    """An app, what stands behind it, and a client."""

    def __init__(self, valkey_url, folder, **environ):
        self.settings = all_settings.load(
            {"PIXO_REDIS": valkey_url, "PIXO_STORE": f"file://{folder}/blobs", "WORKER_ID": "web-1", **environ}
        )
        self.broker = MemoryBroker()
        self.names = topics.names(self.settings.kafka)
        admin = self.broker.admin()
        admin.ensure(topics.specs(self.settings.kafka))
        self.store = store.open(self.settings.store)
        self.state = state.open(self.settings.redis, patient=False)
        self.reach_clock = 0.0
        reach = Reach({"redis": self.state.ping, "kafka": admin.ping, "store": self.store.ping}, clock=self._later)
        dispatcher = Dispatcher(
            self.state, self.broker.producer(), self.names, time.monotonic, store=self.store, admin=admin
        )
        room = Room(self.state, dispatcher, self.settings.work.max_waiting)
        self.parts = Parts(self.store, self.state, dispatcher, self.settings, reach, room)
        self.app = create_app(self.parts)
        self.client = self.app.test_client()

    def _later(self):
        # Every question is asked anew: tests take parts down and up.
        self.reach_clock += 60.0
        return self.reach_clock

    def post(self, data=None, *, query=None, headers=None, **fields):
        """Upload an image as a form, as curl does, and close the answer, as a server does."""
        form = {**fields, "image": FileStorage(io.BytesIO(picture() if data is None else data), "photo.jpg")}
        boundary, body = encode_multipart(MultiDict(form))
        kind = f"multipart/form-data; boundary={boundary}"
        return self.call("POST", "/api/v1/jobs", data=body, content_type=kind, query_string=query, headers=headers)

    def call(self, method, path, **options):
        """Make any other call, and close the answer, which has to be one that OpenAPI names."""
        with self.client.open(path, method=method, **options) as answer:
            answer.get_data()
        openapi.require(self.app, answer)
        return answer

    def get(self, path, **options):
        """Make a GET."""
        return self.call("GET", path, **options)

    def tile(self, job, number):
        """Do a worker's part for one tile: a piece in the store, and the report of it; give what follows."""
        plan = self.state.jobs.read(job).plan
        top, bottom = plan.box(number)
        pixels = np.full((bottom - top, plan.width, len(plan.out_mode)), 40 + number, np.uint8)
        piece = encode(pixels, plan)
        token = token_hex(4)
        self.store.put(names.tile(job, number, token), piece)
        gen = self.state.jobs.read(job).gen
        self.state.jobs.begin(job, gen, number, token)
        report = {"size": len(piece), "crc": crc32(piece), "worker": "w-1", "ms": 7}
        done = TileDone(job=job, gen=gen, tile=number, token=token, lane=0, **report)
        return self.state.jobs.complete(done)

    def finish(self, job):
        """Do the workers' and the joiner's part of a job; give the final's bytes."""
        for number in range(self.state.jobs.read(job).total):
            self.tile(job, number)
        joining = self.state.jobs.start_join(job, "j")
        pieces = [self.store.get(names.tile(job, one.tile, one.token)) for one in joining.records]
        final = io.BytesIO()
        join(joining.plan, Metadata(), pieces, final.write)
        data = final.getvalue()
        self.store.put(names.final(job, "j"), data)
        digest = sha256(data).hexdigest()
        assert self.state.jobs.finish_join(job, joining.gen, "j", names.final(job, "j"), digest, len(data))
        self.parts.dispatcher.ended(job)
        return data

    def blobs(self):
        """Give the keys of all blobs."""
        return sorted(blob.key for blob in self.store.list(""))

    def tasks(self):
        """Give the tasks in Kafka."""
        return [msgspec.json.decode(record.value) for part in self.broker.logs[self.names.tasks] for record in part]


@pytest.fixture
def make_web(valkey_url, tmp_path):
    """Give a function that makes the web role with these settings."""
    made = []

    def make(**environ):
        web = Web(valkey_url, tmp_path, **environ)
        made.append(web)
        return web

    yield make
    for web in made:
        web.state.close()


@pytest.fixture
def web(make_web):
    """Give the web role with its defaults."""
    return make_web()


@pytest.fixture
def image():
    """Give the function that makes small images."""
    return picture


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


@pytest.fixture
def results(valkey_url, tmp_path):
    """Give the parts of a results role."""
    with contextlib.ExitStack() as stack:
        yield Results(valkey_url, tmp_path, stack)
