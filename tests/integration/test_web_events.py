"""What happens to a job, told as server-sent events."""

import json
from contextlib import closing
from itertools import takewhile

import pytest
from redis import Redis

from pixo.errors import TryAgain
from pixo.state import keys
from services.web import events
from tests.integration.conftest import picture

OLD = "1-0"
"""An id before all others."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Let a listener look around often: most tests wait for one look."""
    monkeypatch.setattr(events, "SLICE_MS", 50)


def listen(web, job, last=None):
    """Open a job's stream; give the answer and an iterator of its events: id, kind, data; comments are kind None."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    answer = web.client.get(f"/api/v1/jobs/{job}/events", headers=headers, buffered=False)
    return answer, read(answer)


def read(answer):
    """Give the events of a stream as they come."""
    rest = ""
    for piece in answer.iter_encoded():
        rest += piece.decode()
        while "\n\n" in rest:
            text, _, rest = rest.partition("\n\n")
            lines = dict(line.split(": ", 1) for line in text.splitlines())
            if "retry" not in lines:
                data = json.loads(lines["data"]) if "data" in lines else None
                yield lines.get("id"), lines.get("event"), data


def told(web, job, last=None):
    """Give kinds and data of all events until the stream ends."""
    answer, found = listen(web, job, last)
    with closing(answer):
        return [(kind, data) for _, kind, data in found if kind]


def begin(web):
    """Begin a job of several tiles; give its id and how many."""
    job = web.post(picture(64, 1024), tile_size="64").json
    assert job["tiles"]["total"] > 1
    return job["id"], job["tiles"]["total"]


def test_a_job_is_told_to_its_end(web):
    """Each step is an event as soon as it happens, and the stream ends with the job."""
    job, total = begin(web)
    answer, found = listen(web, job)
    with closing(answer):
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert [next(found)[1:] for _ in range(2)] == [
            ("status", {"status": "queued"}),
            ("status", {"status": "processing"}),
        ]
        web.tile(job, 1)
        assert next(found)[1:] == ("tile", {"tile": 1, "state": "done", "done": 1})
        web.finish(job)
        rest = [one[1:] for one in found if one[1]]

    assert len([kind for kind, _ in rest if kind == "tile"]) == total - 1
    assert rest[-2:] == [("status", {"status": "stitching"}), ("done", {"status": "done"})]


def test_who_comes_back_misses_nothing(web):
    """With the last id a client goes on behind it; with that of the end, there is no more."""
    job, _ = begin(web)
    web.finish(job)
    answer, found = listen(web, job)
    with closing(answer):
        whole = list(found)

    for at, (id, _, _) in enumerate(whole[:-1]):
        assert told(web, job, id) == [one[1:] for one in whole[at + 1 :]]
    assert web.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": whole[-1][0]}).status_code == 204
    assert told(web, job, "of another server") == [one[1:] for one in whole]


def test_an_end_that_is_not_kept_is_told(web, valkey_url):
    """The stream of a job that ended long ago is gone; its end is not."""
    job, _ = begin(web)
    web.finish(job)
    with closing(Redis.from_url(valkey_url)) as client:
        client.delete(keys.part(job, "events"))
    answer, found = listen(web, job, OLD)
    with closing(answer):
        ((id, *rest),) = found

    assert rest == ["done", {"status": "done"}]
    assert web.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": id}).status_code == 204


def test_a_retried_job_is_told_on(web):
    """The end of a job that was retried since is followed by what came after."""
    job, _ = begin(web)
    gen = web.state.jobs.read(job).gen
    web.state.jobs.fail_tile(job, gen, 1, "it is cut off")
    assert told(web, job)[-2:] == [
        ("tile", {"tile": 1, "state": "failed", "done": 0}),
        ("done", {"status": "failed"}),
    ]
    assert web.call("POST", f"/api/v1/jobs/{job}/retry").status_code == 202
    web.finish(job)
    ends = [data["status"] for kind, data in told(web, job) if kind == "done"]

    assert ends == ["failed", "done"]


def test_a_job_is_deleted_under_a_listener(web):
    """It is told so, and whoever comes later finds nothing."""
    job, _ = begin(web)
    answer, found = listen(web, job)
    with closing(answer):
        next(found)
        assert web.app.test_client().delete(f"/api/v1/jobs/{job}").status_code == 204
        assert list(found)[-1][1:] == ("done", {"status": "deleted"})

    assert web.get(f"/api/v1/jobs/{job}/events").status_code == 410
    assert web.get("/api/v1/jobs/nobody/events").status_code == 404


def test_silence_is_broken(web, monkeypatch):
    """While nothing happens there are comments, by which both sides see that the other is there."""
    monkeypatch.setattr(events, "STILL", 0.0)
    job, _ = begin(web)
    answer, found = listen(web, job)
    with closing(answer):
        assert len(list(takewhile(lambda one: one[1], found))) == 2
        web.finish(job)
        assert list(found)[-1][1:] == ("done", {"status": "done"})


def test_redis_that_goes_away_is_waited_for(web, monkeypatch):
    """A stream outlives a fault of Redis, and misses nothing of what happened meanwhile."""
    job, total = begin(web)
    reading = type(web.state.jobs)
    true, faults = reading.events, iter([TryAgain("redis", "it is away")] * 2)

    def answer_at_last(jobs, *given):
        for fault in faults:
            raise fault
        return true(jobs, *given)

    answer, found = listen(web, job)
    monkeypatch.setattr(reading, "events", answer_at_last)
    with closing(answer):
        next(found)
        web.finish(job)
        rest = [one[1:] for one in found]
    assert next(faults, None) is None
    assert len([kind for kind, _ in rest if kind == "tile"]) == total
    assert rest[-1] == ("done", {"status": "done"})


def test_a_process_that_stops_lets_listeners_go(web):
    """Its streams end without an end, so that clients come back to another one."""
    job, _ = begin(web)
    stopping = web.parts._replace(stopping=lambda: True)

    assert b"done" not in b"".join(events.stream(stopping, web.state.jobs.read(job), ""))


def test_places_for_listeners(make_web):
    """When as many listen as may, the next is told when to ask again; who leaves makes room."""
    web = make_web(PIXO_WEB_THREADS="2")
    job = web.post().json["id"]
    answer, found = listen(web, job)
    with closing(answer):
        next(found)
        refused = web.get(f"/api/v1/jobs/{job}/events")
        assert (refused.status_code, refused.json["what"], refused.headers["Retry-After"]) == (
            503,
            "too-many-listeners",
            "5",
        )
        assert refused.json["setting"] == "PIXO_WEB_THREADS"
    web.finish(job)

    assert told(web, job)[-1] == ("done", {"status": "done"})


def test_a_server_of_one_thread_has_no_place(make_web):
    """Nobody may listen or wait where there is nobody else to serve others."""
    web = make_web(PIXO_WEB_THREADS="1")
    job = web.post().json

    assert web.get(job["links"]["events"]).status_code == 503
    assert web.get(job["links"]["self"], query_string={"wait": "60"}).json["status"] == "processing"
