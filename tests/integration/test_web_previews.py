"""Small pictures of a job's images, made by processes of their own."""

import io
import sys
from contextlib import closing

import pytest
from PIL import Image

from pixo.errors import Refusal
from services.web import preview
from tests.integration.conftest import picture


@pytest.fixture
def job(web):
    """Give a job of 300x200 pixels that has begun."""
    return web.post(picture(300, 200), tile_size="64").json


def shown(answer):
    """Give the picture in an answer."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.data))


def test_source_and_result(web, job):
    """Before the end it shows the source, then the result; either can be asked for."""
    link = job["links"]["preview"]
    first = web.get(link, query_string={"size": "30"})
    early = web.get(link, query_string={"of": "result"})
    web.finish(job["id"])
    later = web.get(link, query_string={"size": "30"})

    assert shown(first).size == (30, 20)
    assert (early.status_code, early.json["what"]) == (409, "no-image-yet")
    assert shown(later).size == (30, 20)
    assert later.data != first.data
    assert shown(web.get(link)).size == (300, 200)
    assert web.get(link, query_string={"size": "30", "of": "source"}).data == first.data


def test_a_preview_that_is_known_already(web, job):
    """A browser that has it is told so, and nothing is decoded."""
    link = job["links"]["preview"]
    tag = web.get(link, query_string={"size": "30"}).headers["ETag"]

    assert web.get(link, query_string={"size": "30"}, headers={"If-None-Match": tag}).status_code == 304
    assert web.get(link, query_string={"size": "31"}, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("query", [{"size": "15"}, {"size": "2049"}, {"size": "-1"}, {"size": "big"}, {"of": "tile"}])
def test_bad_previews(web, job, query):
    """What is not understood is refused."""
    answer = web.get(job["links"]["preview"], query_string=query)

    assert (answer.status_code, answer.json["what"]) == (400, "bad-field")


def test_an_image_that_is_damaged(web):
    """The reason reaches the client from the process that met it."""
    whole = picture(600, 600, form="PNG")
    job = web.post(whole[: len(whole) // 2] + bytes(len(whole) // 2 - 12) + whole[-12:]).json
    answer = web.get(job["links"]["preview"])

    assert (answer.status_code, answer.json["what"]) == (422, "bad-image")
    assert "PNG cannot be decoded" in answer.json["detail"]


def test_images_that_are_gone(web, job):
    """Deleted is 410, as everywhere; and so is what somebody has removed."""
    web.store.delete_prefix(f"jobs/{job['id']}/")
    assert web.get(job["links"]["preview"]).status_code == 410
    web.call("DELETE", job["links"]["self"])
    assert web.get(job["links"]["preview"]).status_code == 410


@pytest.mark.parametrize(
    ("script", "status", "what"),
    [
        ("import os; os.abort()", 422, "no-preview"),
        ("import time; time.sleep(60)", 422, "no-preview"),
        ("import sys; sys.exit('the store is away')", 422, "no-preview"),
        ("import sys; print('away', file=sys.stderr); sys.exit(75)", 503, "out-of-reach"),
    ],
)
def test_processes_that_fail(web, job, monkeypatch, script, status, what):
    """One that crashes, hangs or does not reach the store takes nothing with it: the request is answered."""
    monkeypatch.setattr(preview, "COMMAND", (sys.executable, "-c", script))
    monkeypatch.setattr(preview, "LONGEST", 3.0)
    answer = web.get(job["links"]["preview"])

    assert (answer.status_code, answer.json["what"]) == (status, what)


def test_a_turn_that_does_not_come(web, monkeypatch):
    """Who waited in vain is told when to ask again."""
    monkeypatch.setattr(preview, "LONGEST", 0.1)
    previews = preview.Previews(web.settings.store)
    with previews._turn, pytest.raises(Refusal) as caught:
        previews.make("jobs/a/source", 64)

    assert (caught.value.kind, caught.value.again) == ("too-many-previews", 5)


def test_previews_share_the_places_of_those_who_wait(make_web):
    """While all places are taken there are none, and threads are left for others."""
    web = make_web(PIXO_WEB_THREADS="2")
    job = web.post().json
    with closing(web.client.get(job["links"]["events"], buffered=False)):
        refused = web.get(job["links"]["preview"])
        assert (refused.status_code, refused.json["what"]) == (503, "too-many-previews")
        assert (refused.json["setting"], refused.headers["Retry-After"]) == ("PIXO_WEB_THREADS", "5")

    assert web.get(job["links"]["preview"]).status_code == 200
