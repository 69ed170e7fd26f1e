"""The web role as the process that it is: gunicorn, sockets, signals, memory."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from services.web.server import FILES
from tests.conftest import PATIENCE, free_port, running, tansu_command, valkey_command


class Process:
    """A web process and how to talk to it."""

    def __init__(self, process, port, log):
        self.process = process
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.jobs = f"{self.url}/api/v1/jobs"

    def wait(self, condition):
        """Return when the condition holds; fail with the log after a while."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)  # between two looks

    def answers(self, path, status):
        """Tell whether the address answers with the status."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=PATIENCE).status_code == status
        except httpx.TransportError:
            return False

    def peak(self):
        """Give the most memory, in bytes, that the process which serves ever held."""
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())[1]) * 1024


@pytest.fixture
def start(tmp_path):
    """Give a function that starts a web process."""
    with ExitStack() as stack:

        def launch(redis_port, kafka_port, **settings):
            port, log = free_port(), tmp_path / "web.log"
            environ = {
                **os.environ,
                "PIXO_REDIS": f"redis://127.0.0.1:{redis_port}/0",
                "PIXO_KAFKA": f"127.0.0.1:{kafka_port}",
                "PIXO_KAFKA_PROFILE": "embedded",
                "PIXO_STORE": f"file://{tmp_path}/blobs",
                "PIXO_PORT": str(port),
                "PIXO_METRICS_PORT": "0",
                **settings,
            }
            output = stack.enter_context(log.open("wb"))
            command = [sys.executable, "-m", "services.web"]
            process = subprocess.Popen(command, env=environ, stdout=output, stderr=output, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            web = Process(process, port, log)
            web.wait(lambda: web.answers("/healthz", 200))
            return web

        yield launch


@pytest.fixture
def serving(start, valkey_url, tansu):
    """Give a function that starts a web process with everything up."""

    def launch(**settings):
        web = start(valkey_url.rpartition(":")[2].partition("/")[0], tansu.rpartition(":")[2], **settings)
        web.wait(lambda: web.answers("/readyz", 200))
        return web

    return launch


def test_any_order(start, tmp_path):
    """It serves before Kafka and Redis are there, says what it waits for, and is ready once they are."""
    redis_port, kafka_port = free_port(), free_port()
    web = start(redis_port, kafka_port)
    ready = httpx.get(f"{web.url}/readyz", timeout=PATIENCE)
    page = httpx.get(web.url)
    refused = httpx.post(web.jobs, files={"image": b"x"}, timeout=PATIENCE)

    assert ready.status_code == 503
    assert {name for name, said in ready.json()["checks"].items() if said != "ok"} == {"redis", "kafka"}
    assert page.status_code == 200
    assert refused.status_code == 503
    web.wait(lambda: "waiting" in web.log.read_text())
    with (
        running(valkey_command(tmp_path, redis_port), redis_port, tmp_path / "valkey.log"),
        running(tansu_command(kafka_port), kafka_port, tmp_path / "tansu.log"),
    ):
        web.wait(lambda: web.answers("/readyz", 200))


def test_upload_and_download(serving, image):
    """An upload over a real connection, kept for the next, arrives to the byte; so do downloads and ranges."""
    web = serving()
    data = image(1600, 1200, quality=95)
    with httpx.Client(timeout=PATIENCE) as client:
        form = client.post(web.jobs, files={"image": ("photo.jpg", data)}, data={"filters": "sepia"})
        raw = client.post(web.jobs, content=data, headers={"Content-Type": "image/jpeg"})
        chunked = client.post(
            web.jobs, content=iter([data[:1000], data[1000:]]), headers={"Content-Type": "image/jpeg"}
        )
        for answer in (form, raw, chunked):
            assert answer.status_code == 202, answer.text
            source = f"{web.url}{answer.json()['links']['source']}"
            assert client.get(source).content == data
            assert client.get(source, headers={"Range": "bytes=1000-"}).content == data[1000:]
            assert client.get(source, headers={"Range": "bytes=10-999"}).content == data[10:1000]


def test_heads_that_never_end(serving, image):
    """Connections that begin a request and stand still, or drip, are ended: their threads serve others."""
    web = serving(PIXO_WEB_THREADS="2")
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port))) for _ in range(3)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        answer = httpx.post(web.jobs, files={"image": ("photo.jpg", image(64, 64))}, timeout=3 * PATIENCE)
        assert answer.status_code == 202
        assert slow[0].recv(1) == b""
    assert "Traceback" not in web.log.read_text()


def test_clients_that_never_hang_up(serving):
    """Those who have their answers and leave connections open hold up nobody: each end is waited for, for 2 s."""
    web = serving()
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(int(PATIENCE)):
            connection = socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE)
            stack.enter_context(connection).sendall(request)
        assert httpx.get(f"{web.url}/healthz", timeout=PATIENCE).status_code == 200


def test_connections_that_say_nothing(serving):
    """As browsers open them ahead: they take no thread from others, and end with the process, at once."""
    web = serving(PIXO_WEB_THREADS="2")
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
        assert httpx.get(f"{web.url}/healthz", timeout=4).status_code == 200
        web.process.terminate()
        assert web.process.wait(8) == 0


def test_more_connections_than_files(serving):
    """Where no file is left for a connection, it waits, and the process goes on."""
    web = serving()
    (child,) = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
    soft, hard = resource.prlimit(int(child), resource.RLIMIT_NOFILE)
    assert soft >= min(hard, FILES)
    few = len(list(Path(f"/proc/{child}/fd").iterdir())) + 5
    resource.prlimit(int(child), resource.RLIMIT_NOFILE, (few, hard))
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE))
        web.wait(lambda: "connections wait" in web.log.read_text())
    web.wait(lambda: web.answers("/healthz", 200))
    assert Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split() == [child]
    assert web.log.read_text().count("connections wait") == 1


def test_pipelined_request_behind_an_upload(serving, image):
    """What follows an upload on the same connection is the next request."""
    web = serving()
    data = image()
    head = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    upload = f"{head}Content-Length: {len(data)}\r\n\r\n"
    second = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE) as connection:
        connection.sendall(upload.encode() + data + second)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 202")
    assert answer.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("declared", [True, False])
def test_refusal_is_read(serving, declared, tmp_path):
    """Who sends far too much gets the answer, not a reset connection; nothing is left."""
    web = serving(PIXO_MAX_UPLOAD_BYTES="100000")
    body = bytes(20_000_000)
    content = body if declared else iter([body[at : at + 65536] for at in range(0, len(body), 65536)])
    answer = httpx.post(web.jobs, content=content, headers={"Content-Type": "image/png"}, timeout=PATIENCE)

    assert (answer.status_code, answer.json()["what"]) == (413, "too-many-bytes")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_sender_that_goes_away(serving, tmp_path):
    """An upload whose sender goes away in the middle leaves nothing."""
    web = serving()
    head = (
        "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 9000000\r\n\r\n"
    )
    parts = tmp_path / "blobs" / ".parts"
    with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + bytes(3_000_000))
        web.wait(lambda: parts.exists() and any(parts.iterdir()))

    web.wait(lambda: not any(parts.iterdir()))
    assert not (tmp_path / "blobs" / "jobs").exists()


def test_memory(serving):
    """A long upload takes little memory."""
    web = serving()
    piece = bytes(1 << 20)
    content = iter([b"\x89PNG\r\n\x1a\n", *[piece] * 200])
    answer = httpx.post(web.jobs, content=content, headers={"Content-Type": "image/png"}, timeout=60)

    assert answer.status_code in (415, 422)
    assert web.peak() < 150 << 20


def test_stop(serving, image):
    """Told to stop, it answers those who wait for a job's end, and ends with 0."""
    web = serving()
    job = httpx.post(web.jobs, files={"image": image()}, timeout=PATIENCE).json()
    answers = []

    def wait():
        answers.append(httpx.get(f"{web.url}{job['links']['self']}", params={"wait": 60}, timeout=90))

    thread = threading.Thread(target=wait)
    thread.start()
    web.wait(lambda: "pixo_http_requests_in_flight 2.0" in httpx.get(f"{web.url}/metrics").text)
    web.process.send_signal(signal.SIGTERM)
    thread.join(60)

    assert web.process.wait(60) == 0
    assert [answer.status_code for answer in answers] == [200]
    assert "Traceback" not in web.log.read_text()


def test_wrong_setting(tmp_path):
    """A wrong setting ends the process with its name, the value and what is allowed."""
    environ = {**os.environ, "PIXO_PORT": "many"}
    ended = subprocess.run([sys.executable, "-m", "services.web"], env=environ, capture_output=True, check=False)

    assert ended.returncode == 78
    assert b"PIXO_PORT='many'" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_bytes_survive_a_new_process(serving, image, valkey_url):
    """What was uploaded is there when another process serves."""
    data = image(900, 700)
    first = serving()
    job = httpx.post(first.jobs, files={"image": data}, timeout=PATIENCE).json()
    first.process.kill()
    first.process.wait()
    second = serving()
    answer = httpx.get(f"{second.url}{job['links']['source']}", timeout=PATIENCE)

    assert sha256(answer.content).digest() == sha256(data).digest()
