"""The commands' client, against a small server that misbehaves."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pixo.errors import PixoError, Refusal, TryAgain
from services.cli import submit
from services.cli.__main__ import main
from services.cli.api import Api, Stopped
from services.cli.bar import Bar

RESULT = b"result" * 1000


class Server:
    """Answers from a list of prepared answers by method and path; the last one of a path stays."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                prepared = outer.answers[self.command, path]
                status, headers, said = prepared.pop(0) if len(prepared) > 1 else prepared[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, method, path, status, document, **headers):
        """Prepare one more answer."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault((method, "/api/v1/" + path), []).append((status, headers, body))


@pytest.fixture
def server():
    """Give the server."""
    server = Server()
    yield server
    server.server.shutdown()
    server.server.server_close()


def job(status, done=0):
    """Give a job's document."""
    return {
        "id": "k3v",
        "status": status,
        "format": "jpeg",
        "error": "tile 3 was not to be read" if status == "failed" else None,
        "tiles": {"total": 4, "done": done, "failed": 0},
        "result": {"sha256": hashlib.sha256(RESULT).hexdigest(), "size": len(RESULT)},
        "links": {"result": "/api/v1/jobs/k3v/result"},
    }


@pytest.fixture
def photo(tmp_path):
    """Give a file to send."""
    path = tmp_path / "my photo.jpg"
    path.write_bytes(b"image bytes")
    return path


def test_submit_streams_follows_and_fetches(server, photo, tmp_path, capsys):
    """A file is sent as the body with its name and options; the result is there when the command ends."""
    server.add("POST", "jobs", 202, job("queued"))
    server.add("GET", "jobs/k3v", 200, job("processing", 2))
    server.add("GET", "jobs/k3v", 200, job("done", 4))
    server.add("GET", "jobs/k3v/result", 200, RESULT)
    out = tmp_path / "out.jpg"

    words = ["submit", str(photo), "-o", str(out), "--filters", "blur:sigma=4", "--server", server.url, "--token", "x"]
    assert main(words) == 0

    assert out.read_bytes() == RESULT
    assert capsys.readouterr().out == f"{photo} -> {out}\n"
    _, path, headers, body = server.requests[0]
    assert "filters=blur%3Asigma%3D4" in path
    assert "format=jpeg" in path
    assert "filename=my" in path
    assert body == b"image bytes"
    assert headers["Content-Length"] == "11"
    assert headers["Authorization"] == "Bearer x"


def test_a_source_is_not_sent_to_be_overwritten(server, photo, monkeypatch, capsys):
    """That the result would take the source's place is said before anything is sent."""
    monkeypatch.chdir(photo.parent)
    assert main(["submit", photo.name, "-o", ".", "--server", server.url]) == 2
    assert "is a source" in capsys.readouterr().err
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "kind", "name"),
    [
        ([], "jpeg", "pixo-demo.jpg"),
        (["-o", "x.png"], "png", "x.png"),
        (["-o", "x.png", "--format", "jpeg"], "jpeg", "x.png"),
        (["--format", "webp"], "webp", "pixo-demo.webp"),
    ],
)
def test_the_demo_is_of_the_format_that_its_name_says(server, tmp_path, monkeypatch, options, kind, name):
    """The ending asks for the format, and without a name the format chooses the ending."""
    monkeypatch.chdir(tmp_path)
    server.add("GET", "workers", 200, {"workers": []})
    server.add("POST", "jobs", 202, job("done", 4))
    server.add("GET", "jobs/k3v/result", 200, RESULT)

    assert main(["demo", "--megapixels", "0.01", *options, "--server", server.url]) == 0
    (sent,) = [path for method, path, *_ in server.requests if method == "POST"]
    assert parse_qs(urlsplit(sent).query).get("format") == [kind]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_no_text_is_sent_as_far_as_it_is_one(server, tmp_path):
    """A file of an old disk, its name in Latin-1, goes through like any other."""
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    odd.write_bytes(b"image bytes")
    server.add("POST", "jobs", 202, job("queued"))
    server.add("GET", "jobs/k3v", 200, job("done", 4))
    server.add("GET", "jobs/k3v/result", 200, RESULT)
    words = [sys.executable, "-m", "services.cli", "submit", odd, "-o", tmp_path / "out.jpg", "--server", server.url]
    done = subprocess.run(words, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "filename=caf%EF%BF%BD.jpg" in server.requests[0][1]


def test_one_of_many_fails(server, photo, tmp_path, capsys):
    """A job that fails makes the exit code 1, is named with its reason, and leaves no file."""
    server.add("POST", "jobs", 202, job("failed"))

    assert main(["submit", str(photo), "-o", str(tmp_path / "out.jpg"), "--server", server.url]) == 1
    assert capsys.readouterr().err == f"pixo: {photo}: tile 3 was not to be read\n"
    assert not (tmp_path / "out.jpg").exists()


def test_a_script_reads_what_failed(server, photo, tmp_path, capsys):
    """With --json a failed file has its line too, with the reason, and with the job if there was one."""
    server.add("POST", "jobs", 202, job("failed"))
    server.add("POST", "jobs", 415, {"detail": "no image"})
    other = tmp_path / "other.jpg"
    other.write_bytes(b"text")

    assert main(["submit", str(photo), str(other), "-j", "1", "--json", "--server", server.url]) == 1
    failed, refused = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (failed["id"], failed["status"], failed["file"]) == ("k3v", "failed", str(photo))
    assert failed["error"] == "tile 3 was not to be read"
    assert refused == {"file": str(other), "saved": None, "error": "no image"}


@pytest.fixture
def interrupt():
    """Give a function that does what Ctrl-C does, also in tests that were started in the background, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_at_once(server, photo, tmp_path, capsys, monkeypatch, interrupt):
    """No other file is sent, and the job under way, which goes on, is named."""
    other = tmp_path / "other.jpg"
    other.write_bytes(b"image bytes")
    server.add("POST", "jobs", 202, job("queued"))
    server.add("GET", "jobs/k3v", 200, job("processing"))
    for status in ("processing", "processing", "processing", "done"):
        server.add("GET", "jobs/k3v", 200, job(status))
    server.add("GET", "jobs/k3v/result", 200, RESULT)
    states = []

    def show(_, seen):
        states.append(seen["status"])
        if states == ["queued", "processing"]:
            interrupt()

    monkeypatch.setattr(Bar, "show", show)
    words = ["submit", str(photo), str(other), "-j", "1", "-o", str(tmp_path / "out"), "--server", server.url]
    assert main(words) == 130

    assert capsys.readouterr().err == (
        f"pixo: {photo}: job k3v continues; follow it with: pixo watch k3v\npixo submit: interrupted\n"
    )
    assert [method for method, *_ in server.requests].count("POST") == 1
    assert "done" not in states


def test_ctrl_c_does_not_wait_for_a_server_that_says_nothing(photo, monkeypatch, interrupt):
    """A thread that hears nothing does not keep the command."""
    monkeypatch.setattr(submit, "LAST", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        taken = []

        def take():
            taken.append(silent.accept()[0])
            interrupt()

        thread = threading.Thread(target=take)
        thread.start()
        assert main(["submit", str(photo), "--server", f"http://127.0.0.1:{silent.getsockname()[1]}"]) == 130
        thread.join()
        taken[0].close()


def test_calls_under_way_stop(server, photo, tmp_path, monkeypatch):
    """An upload or a download stops in the middle, and leaves no file."""
    server.add("GET", "jobs/k3v/result", 200, RESULT)
    server.add("POST", "jobs", 202, job("queued"))
    with Api(server.url) as api:
        # Behind the look before each try, so that the one between blocks of bytes is what counts.
        monkeypatch.setattr(api, "_try", lambda send: (api.stop(), Api._try(api, send))[1])
        with pytest.raises(Stopped):
            api.submit(photo, {})
        api._stopping.clear()
        with pytest.raises(Stopped):
            api.download(job("done"), tmp_path / "out.jpg")
    assert list(tmp_path.iterdir()) == [photo]


def test_a_refusal_is_told_with_its_setting(server, photo, capsys):
    """A problem document becomes one line that names the setting."""
    problem = {"detail": "The image has 9 pixels.", "what": "too-many-pixels", "setting": "PIXO_MAX_PIXELS"}
    server.add("POST", "jobs", 413, problem)

    assert main(["submit", str(photo), "--server", server.url]) == 1
    assert capsys.readouterr().err == f"pixo: {photo}: The image has 9 pixels. (PIXO_MAX_PIXELS changes the limit)\n"


def test_a_busy_server_is_asked_again_for_the_same_job(server, photo):
    """503 is waited out, and both tries have one idempotency key, so that there is one job."""
    server.add("POST", "jobs", 503, {"detail": "Kafka is out of reach."}, Retry_After="0")
    server.add("POST", "jobs", 202, job("queued"))

    with Api(server.url) as api:
        assert api.submit(photo, {})["id"] == "k3v"
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.requests}) == 1
    assert len(server.requests) == 2


def test_a_full_server_is_asked_again_when_it_says(server, photo, capsys):
    """429 is waited out as told, however short the patience with a server that is away, and the user knows why."""
    full = {"detail": "9 jobs wait already.", "what": "too-many-waiting", "setting": "PIXO_MAX_WAITING"}
    server.add("POST", "jobs", 429, full, Retry_After="1")
    server.add("POST", "jobs", 202, job("queued"))

    with Api(server.url, patience=0) as api:
        assert api.submit(photo, {})["id"] == "k3v"
    said = "pixo: 9 jobs wait already. (PIXO_MAX_WAITING changes the limit) Trying again in 1 s.\n"
    assert capsys.readouterr().err == said


def test_a_server_that_stays_full_is_given_up(server, photo):
    """With what it said last."""
    server.add("POST", "jobs", 429, {"detail": "9 jobs wait already.", "what": "too-many-waiting"}, Retry_After="60")

    with Api(server.url, queue_patience=30) as api, pytest.raises(Refusal, match="9 jobs wait already"):
        api.submit(photo, {})


def test_a_proxy_may_say_by_a_date_when(server, photo, capsys):
    """Retry-After as a date in the past is soon, as is what is neither a number nor a date, and no seconds at all."""
    for said in ("Wed, 21 Oct 2015 07:28:00 GMT", "whenever", "0"):
        server.add("POST", "jobs", 429, {"detail": "9 jobs wait already.", "what": "full"}, Retry_After=said)
    server.add("POST", "jobs", 202, job("queued"))

    with Api(server.url) as api:
        assert api.submit(photo, {})["id"] == "k3v"
    assert capsys.readouterr().err.count("Trying again in 0.5 s") == 3


def test_a_file_that_cannot_be_read(server, tmp_path):
    """It is named, as one failed image among others."""
    with Api(server.url) as api, pytest.raises(PixoError, match=r"cannot read .*gone\.jpg: No such file"):
        api.submit(tmp_path / "gone.jpg", {})


def test_patience_ends(server):
    """A server that stays busy is given up as out of reach, with what it said last."""
    server.add("GET", "jobs", 503, {"detail": "Redis is out of reach."}, Retry_After="1")

    with Api(server.url, patience=0.5) as api, pytest.raises(TryAgain, match="Redis is out of reach"):
        api.get("jobs")


def test_a_broken_result_is_fetched_again(server, tmp_path):
    """A download whose bytes are not those of the job's SHA-256 is not kept."""
    server.add("GET", "jobs/k3v/result", 200, b"other bytes")
    server.add("GET", "jobs/k3v/result", 200, RESULT)
    with Api(server.url) as api:
        api.download(job("done"), tmp_path / "out.jpg")
    assert (tmp_path / "out.jpg").read_bytes() == RESULT

    server.answers.clear()
    server.add("GET", "jobs/k3v/result", 200, b"other bytes")
    with Api(server.url, patience=0) as api, pytest.raises(TryAgain, match="corrupted"):
        api.download(job("done"), tmp_path / "other.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jpg"]


def test_somebody_else_answers(server):
    """A server that is not Pixo is a Refusal, whatever it answers."""
    server.add("GET", "jobs", 200, b"<html>")
    server.add("GET", "workers", 404, b"<html>")

    with Api(server.url) as api:
        with pytest.raises(Refusal, match="not a Pixo server"):
            api.get("jobs")
        with pytest.raises(Refusal, match="404 without a problem document"):
            api.get("workers")


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("failed", 1), ("cancelled", 1)])
def test_watch_tells_by_its_exit_code(server, status, code, capsys):
    """`pixo watch` ends with 0 only for a job that is done; --json shows each state."""
    server.add("GET", "jobs/k3v", 200, job("processing", 1))
    server.add("GET", "jobs/k3v", 200, job(status, 4))

    assert main(["watch", "k3v", "--json", "--server", server.url]) == code
    assert [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()] == ["processing", status]
