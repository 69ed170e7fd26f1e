"""Traces, off and on: a real OTLP receiver hears one trace a job, from all roles."""

import subprocess
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from PIL import Image

from services.cli.api import ENDED
from tests.waiting import until

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Receiver(ThreadingHTTPServer):
    """What a collector is to who sends traces: ``spans`` has what came, with the role that sent it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.spans = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        """Take spans."""
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            role = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            self.server.spans += [(role, span) for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    """Give a receiver that listens."""
    with Receiver() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def told(span, name):
    """Give a fact of a span."""
    return next(one.value for one in span.attributes if one.key == f"pixo.{name}")


@pytest.fixture
def photo(tmp_path):
    """Give a picture of several tiles."""
    path = tmp_path / "photo.png"
    Image.linear_gradient("L").resize((1200, 900)).convert("RGB").save(path)
    return path


def test_one_trace_a_job(start, receiver, photo):
    """Upload, each tile, its counting, the join: one trace under one root, by the records' headers; a trace a job."""
    up = start("data", "--port=0", PIXO_TRACES=receiver.url, OTEL_BSP_SCHEDULE_DELAY="100")
    with up.wait() as api:
        api._client.headers["traceparent"] = CLIENT
        jobs = []
        for _ in range(2):
            job = api.submit(photo, {"filters": "invert", "tile_size": "256"})
            while job["status"] not in ENDED:
                job = api.job(job["id"], wait=5)
            assert job["status"] == "done"
            jobs.append(job)
        total = jobs[0]["tiles"]["total"]
        until(lambda: len(receiver.spans) >= 2 * (3 + 2 * total), "all spans have come")
    assert up.stop() == 0

    traces = defaultdict(list)
    for role, span in receiver.spans:
        traces[span.trace_id].append((role, span))
    assert len(traces) == 2
    for spans in traces.values():
        named = defaultdict(list)
        for role, span in spans:
            named[role, span.name].append(span)
        assert {name: len(found) for name, found in named.items()} == {
            ("pixo-web", "upload"): 1,
            ("pixo-worker", "tile"): total,
            ("pixo-results", "count"): total,
            ("pixo-results", "join"): 1,
            ("pixo-results", "job"): 1,
        }
        (root,), (upload,), (join,) = (
            named["pixo-results", "job"],
            named["pixo-web", "upload"],
            named["pixo-results", "join"],
        )
        tiles, counts = named["pixo-worker", "tile"], named["pixo-results", "count"]
        assert not root.parent_span_id
        assert {one.parent_span_id for one in (upload, join, *tiles)} == {root.span_id}
        assert {one.parent_span_id for one in counts} == {one.span_id for one in tiles}
        assert sorted(told(one, "tile").int_value for one in tiles) == list(range(total))
        assert [event.name for event in tiles[0].events] == ["computed", "stored"]
        assert upload.links[0].trace_id.hex() == CLIENT.split("-")[1]
        assert root.start_time_unix_nano <= tiles[0].start_time_unix_nano <= tiles[0].end_time_unix_nano
        assert join.end_time_unix_nano <= root.end_time_unix_nano + 1e9, "times in Redis are another clock's"
        assert told(root, "job").string_value in {job["id"] for job in jobs}


def test_a_receiver_that_is_away_changes_nothing(start, photo):
    """Jobs are done, and all processes end when they are told to."""
    up = start("data", "--port=0", PIXO_TRACES="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="100")
    with up.wait() as api:
        job = api.submit(photo, {"filters": "invert", "tile_size": "256"})
        while job["status"] not in ENDED:
            job = api.job(job["id"], wait=5)
    assert job["status"] == "done"
    assert up.stop() == 0
    assert "opentelemetry" not in up.errors.read_text()


def test_nothing_is_loaded_where_nothing_is_asked_for():
    """Without PIXO_TRACES no role knows the library; with it and without the packages, the setting is named."""
    code = """
import sys
{prepare}
from pixo import startup
def main():
    startup.configure("worker", {environ})
    import services.worker.parts, services.results.parts
    print("pixo.otlp" in sys.modules)
    return 0
startup.run("worker", main)
"""
    off = [sys.executable, "-c", code.format(prepare="", environ={})]
    assert subprocess.run(off, capture_output=True, text=True, check=True).stdout == "False\n"
    environ = {"PIXO_TRACES": "http://localhost:4318"}
    without = [sys.executable, "-c", code.format(prepare="sys.modules['opentelemetry'] = None", environ=environ)]
    refused = subprocess.run(without, capture_output=True, text=True, check=False)
    assert refused.returncode == 78
    assert "PIXO_TRACES='http://localhost:4318' needs the packages of pixo[otel]" in refused.stderr
