"""`pixo verify` against the web role, served on this machine, with Valkey and a folder behind it."""

import json
import threading
from hashlib import sha256

import pytest
from werkzeug.serving import make_server

from pixo.imaging.apply import carry_out
from pixo.store import names
from services.cli.__main__ import main
from services.cli.verify import DIFFERENT
from services.web.documents import BASE


@pytest.fixture
def served(web):
    """Give the web role, with the URL at which it is served."""
    server = make_server("127.0.0.1", 0, web.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    yield web
    server.shutdown()
    thread.join()
    server.server_close()


def finished(web, image, **fields):
    """Give a job that is done, with the result that workers and joiner would make."""
    job = web.post(image(600, 400), **fields).json["id"]
    for number in range(web.state.jobs.read(job).total):
        web.tile(job, number)
    joining = web.state.jobs.start_join(job, "j")
    parts = []
    carry_out(web.store.path(names.source(job)), joining.plan, parts.append)
    data = b"".join(parts)
    web.store.put(names.final(job, "j"), data)
    digest = sha256(data).hexdigest()
    assert web.state.jobs.finish_join(job, joining.gen, "j", names.final(job, "j"), digest, len(data))
    return job


def verify(web, job, capsys, code):
    """Verify it with --json and give what was said."""
    assert main(["verify", job, "--json", "--server", web.url]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_a_right_result_is_the_same_here(served, image, capsys, form):
    """Recomputed by the job's own plan, strips and all, the bytes are the same."""
    job = finished(served, image, filters="blur:sigma=2,invert", format=form, tile_size="64")

    said = verify(served, job, capsys, 0)
    assert (said["verdict"], said["same"]) == ("same bytes", True)
    assert said["result"] == said["recorded"] == said["etag"] == said["recomputed"]


def test_other_pixels_are_found(served, capsys):
    """A result that is not what the source gives, though its digest is right, ends with 3."""
    job = served.post().json["id"]
    served.finish(job)  # with pixels of the test's own

    said = verify(served, job, capsys, DIFFERENT)
    assert said["verdict"] == "different pixels"
    assert "by up to" in said["detail"]


def test_other_bytes_are_found(served, image, capsys):
    """A result whose bytes in the store have changed ends with 3."""
    job = finished(served, image)
    key = names.final(job, "j")
    served.store.put(key, served.store.get(key)[:-1] + b"x")

    assert verify(served, job, capsys, DIFFERENT)["verdict"] == "wrong digest"


def test_what_cannot_be_verified_is_said(served, image, capsys):
    """A job that is not done, one whose source is gone, and none at all: one line each, and exit code 1."""
    waiting = served.post().json["id"]
    gone = finished(served, image)
    served.store.delete(names.source(gone))

    for job, words in [(waiting, "only one that is done"), (gone, "the source is gone"), ("0123", "No such job")]:
        assert main(["verify", job, "--server", served.url]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("pixo verify: ")
        assert words in line


def test_the_plan_is_as_described(web):
    """Every member of the plan is in OpenAPI's schema, and the other way round."""
    plan = web.get(f"{BASE}/jobs/{web.post().json['id']}/plan").json
    schema = json.loads(web.get(f"{BASE}/openapi.json").data)["components"]["schemas"]["Plan"]

    assert set(plan) == set(schema["properties"]) == set(schema["required"])
