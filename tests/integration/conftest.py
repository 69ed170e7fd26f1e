"""The web role with real parts around it: Valkey, a folder of blobs, and a broker in memory."""

import io
import time

import msgspec
import pytest
from PIL import Image

from pixo import settings as all_settings
from pixo import state, store, topics
from pixo.broker.memory import MemoryBroker
from pixo.dispatch import Dispatcher
from services.web.app import create_app
from services.web.parts import Parts
from services.web.reach import Reach


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
        self.parts = Parts(self.store, self.state, dispatcher, self.settings, reach)
        self.app = create_app(self.parts)
        self.client = self.app.test_client()

    def _later(self):
        # Every question is asked anew: tests take parts down and up.
        self.reach_clock += 60.0
        return self.reach_clock

    def post(self, data=None, *, query=None, headers=None, **fields):
        """Upload an image as a form, as curl does, and close the answer, as a server does."""
        body = {**fields, "image": (io.BytesIO(picture() if data is None else data), "photo.jpg")}
        with self.client.post("/api/v1/jobs", data=body, query_string=query, headers=headers) as answer:
            answer.get_data()
        return answer

    def call(self, method, path, **options):
        """Make any other call, and close the answer."""
        with self.client.open(path, method=method, **options) as answer:
            answer.get_data()
        return answer

    def get(self, path, **options):
        """Make a GET."""
        return self.call("GET", path, **options)

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
