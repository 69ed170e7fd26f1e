"""Jobs, read and changed."""

import threading
import time
from contextlib import contextmanager

import msgspec
import pytest
from redis import Redis

from pixo.state.records import Spec
from pixo.store import names
from tests.waiting import until

PATIENCE = 10.0


@contextmanager
def waiting(web, link):
    """Have somebody wait for a job meanwhile; give the list that the answer is in afterwards."""
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(web.app.test_client().get(link, query_string={"wait": "60"}))
    )
    thread.start()
    until(lambda: web.state._others.connection_pool._in_use_connections, "it waits")
    yield answers
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_job_to_its_end(web, image):
    """A job's document follows it: tiles, progress, times, and the result's digest at the end."""
    job = web.post(image(512, 512), tile_size="64").json
    total = job["tiles"]["total"]
    web.tile(job["id"], 0)
    half = web.get(job["links"]["self"]).json
    data = web.finish(job["id"])
    done = web.get(job["links"]["self"]).json

    assert (half["status"], half["tiles"]["done"]) == ("processing", 1)
    assert half["started"]
    assert 0 < half["progress"] < 1
    assert done["tiles"] == {"total": total, "done": total, "failed": 0}
    assert (done["status"], done["progress"], done["error"]) == ("done", 1.0, None)
    assert done["result"]["size"] == len(data)
    assert done["created"] <= done["started"] <= done["finished"] < done["expires"]
    assert done["finished"].endswith("Z")


def test_waiting_for_the_end(web):
    """A request that waits is answered as soon as the job ends."""
    job = web.post().json
    with waiting(web, job["links"]["self"]) as answers:
        web.finish(job["id"])

    assert [answer.json["status"] for answer in answers] == ["done"]


def test_waiting_for_a_job_that_is_deleted(web):
    """Whoever waits for it is told so, as everybody who comes later is."""
    job = web.post().json
    with waiting(web, job["links"]["self"]) as answers:
        assert web.app.test_client().delete(job["links"]["self"]).status_code == 204

    assert [answer.status_code for answer in answers] == [410]


def test_upload_that_waits(web):
    """An upload that waits for its end is answered with 200 and the finished job."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(web.post(query={"wait": "30"})))
    thread.start()
    until(web.tasks, "the job is started")
    web.finish(web.tasks()[0]["job"])
    thread.join(PATIENCE)

    assert [(answer.status_code, answer.json["status"]) for answer in answers] == [(200, "done")]
    assert "Retry-After" not in answers[0].headers


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("image/*", "image/jpeg"),
        ("image/jpeg, application/json;q=0.5", "image/jpeg"),
        ("*/*", "application/json"),
        ("image/png, */*;q=0.1", "application/json"),
    ],
)
def test_upload_that_is_answered_with_the_image(web, accept, kind):
    """Whoever would rather have the image gets it by the same request, with all that comes with a result."""
    answers = []
    headers = {"Accept": accept}
    thread = threading.Thread(target=lambda: answers.append(web.post(query={"wait": "30"}, headers=headers)))
    thread.start()
    until(web.tasks, "the job is started")
    job = web.tasks()[0]["job"]
    data = web.finish(job)
    thread.join(PATIENCE)

    (answer,) = answers
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.headers["Location"] == f"/api/v1/jobs/{job}"
    if kind == "image/jpeg":
        result = web.get(f"/api/v1/jobs/{job}/result")
        assert answer.data == data
        assert all(answer.headers[name] == result.headers[name] for name in ("ETag", "Content-Disposition"))


@pytest.mark.parametrize("header", [("Range", "bytes=0-9"), ("Range", "bytes=999999999-"), ("If-None-Match", "*")])
def test_upload_is_answered_with_the_whole_image(web, header):
    """What a client sends for reading means nothing here: a part, or nothing, would be taken for the image."""
    answers = []
    headers = dict([header], Accept="image/*")
    thread = threading.Thread(target=lambda: answers.append(web.post(query={"wait": "30"}, headers=headers)))
    thread.start()
    until(web.tasks, "the job is started")
    data = web.finish(web.tasks()[0]["job"])
    thread.join(PATIENCE)

    assert [(answer.status_code, answer.data) for answer in answers] == [(200, data)]


def test_upload_whose_image_never_comes(web):
    """Who asked for the image of a job that fails gets a problem document, and the job's where it is under way."""
    answers = []
    headers = {"Accept": "image/*"}
    thread = threading.Thread(target=lambda: answers.append(web.post(query={"wait": "30"}, headers=headers)))
    thread.start()
    until(web.tasks, "the job is started")
    task = web.tasks()[0]
    assert web.state.jobs.fail_tile(task["job"], task["gen"], task["tile"], "tile 0: the JPEG is cut off")
    thread.join(PATIENCE)
    late = web.post(query={"wait": "0.01"}, headers=headers)

    (answer,) = answers
    assert (answer.status_code, answer.json["what"], answer.json["measured"]) == (422, "job-failed", "failed")
    assert answer.json["detail"] == "The job is failed: tile 0: the JPEG is cut off"
    assert answer.headers["Location"] == f"/api/v1/jobs/{task['job']}"
    assert (late.status_code, late.json["status"]) == (202, "processing")


def test_one_thread_is_kept_from_waiting(make_web):
    """When as many wait as may, the next is answered at once, and told when to ask again."""
    web = make_web(PIXO_WEB_THREADS="2")
    first, second = web.post().json, web.post().json
    begun = time.monotonic()
    with waiting(web, first["links"]["self"]):
        answer = web.get(second["links"]["self"], query_string={"wait": "60"})
        web.finish(first["id"])

    assert answer.json["status"] == "processing"
    assert answer.headers["Retry-After"] == "1"
    assert time.monotonic() - begun < 30  # not the whole time that it asked for


def test_list(web):
    """The list is newest first, in pages that a cursor joins."""
    ids = [web.post().json["id"] for _ in range(5)]
    first = web.get("/api/v1/jobs", query_string={"limit": "2"}).json
    second = web.get("/api/v1/jobs", query_string={"limit": "2", "cursor": first["cursor"]}).json
    third = web.get("/api/v1/jobs", query_string={"limit": "2", "cursor": second["cursor"]}).json
    pages = [[job["id"] for job in page["jobs"]] for page in (first, second, third)]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert third["cursor"] is None
    found = [id for page in pages for id in page]
    times = [web.get(f"/api/v1/jobs/{id}").json["created"] for id in found]
    assert sorted(found) == sorted(ids)
    assert times == sorted(times, reverse=True)


def test_list_by_status(web):
    """The list can be of one status, in pages too."""
    ids = [web.post().json["id"] for _ in range(4)]
    for id in ids[::2]:
        web.call("POST", f"/api/v1/jobs/{id}/cancel")
    pages, cursor = [], None
    while True:
        query = {"status": "cancelled", "limit": "1", **({"cursor": cursor} if cursor else {})}
        page = web.get("/api/v1/jobs", query_string=query).json
        pages += [job["id"] for job in page["jobs"]]
        cursor = page["cursor"]
        if cursor is None:
            break

    assert sorted(pages) == sorted(ids[::2])
    assert web.get("/api/v1/jobs", query_string={"status": "done"}).json == {"jobs": [], "cursor": None}


def test_list_by_a_status_that_few_have(web, valkey_url):
    """Jobs are read many at a time, however few are wanted, so that one request does not ask thousands of times."""
    for n in range(1000):
        web.state.queue.add(f"lost-{n}", n)
    with Redis.from_url(valkey_url) as redis:
        redis.config_resetstat()
        assert web.get("/api/v1/jobs", query_string={"status": "done", "limit": "1"}).json["jobs"] == []
        assert redis.info("commandstats")["cmdstat_zrevrange"]["calls"] <= 20


@pytest.mark.parametrize(
    "query",
    [{"status": "sleeping"}, {"limit": "0"}, {"limit": "many"}, {"limit": "000000200999999"}, {"cursor": "elsewhere"}],
)
def test_bad_list(web, query):
    """What the list does not understand is refused."""
    web.post()
    answer = web.get("/api/v1/jobs", query_string=query)

    assert (answer.status_code, answer.json["what"]) == (400, "bad-field")


def test_cancel(web):
    """A cancelled job has ended, says so in the store, and its place is free; again is fine, after the end is not."""
    job = web.post().json
    answer = web.call("POST", job["links"]["cancel"])

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert names.end(job["id"]) in web.blobs()
    assert web.state.queue.active() == {}
    assert web.call("POST", job["links"]["cancel"]).status_code == 200
    done = web.post().json
    web.finish(done["id"])
    late = web.call("POST", done["links"]["cancel"])
    assert (late.status_code, late.json["what"], late.json["measured"]) == (409, "wrong-state", "done")


def test_cancel_needs_no_kafka(web):
    """While Kafka is away and others wait for the place: cancelled, and told so."""
    job = web.post().json
    web.parts.state.queue.enrol("waiting", 0, small=True, weight=1)
    web.broker.down = True
    answer = web.call("POST", job["links"]["cancel"])

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")


def test_retry(web, image):
    """A cancelled job tried again keeps its finished tiles, and its record counts the retry."""
    job = web.post(image(512, 512), tile_size="64").json
    web.tile(job["id"], 0)
    web.call("POST", job["links"]["cancel"])
    answer = web.call("POST", job["links"]["retry"])

    assert (answer.status_code, answer.json["status"], answer.json["tiles"]["done"]) == (202, "queued", 1)
    assert msgspec.json.decode(web.store.get(names.job_record(job["id"])), type=Spec).r == 1
    assert web.get(job["links"]["self"]).json["status"] == "processing"
    wrong = web.call("POST", job["links"]["retry"])
    assert (wrong.status_code, wrong.json["measured"]) == (409, "processing")


def test_failed_job(web, image):
    """A failed job names the tile and the cause, and can be tried again."""
    job = web.post(image(512, 512), tile_size="64").json
    gen = web.state.jobs.read(job["id"]).gen
    web.state.jobs.begin(job["id"], gen, 1, "attempt")
    web.state.jobs.fail_tile(job["id"], gen, 1, "three attempts ended their worker")
    failed = web.get(job["links"]["self"]).json

    assert (failed["status"], failed["tiles"]["failed"]) == ("failed", 1)
    assert "three attempts" in failed["error"]
    result = web.get(job["links"]["result"])
    assert (result.status_code, result.json["what"]) == (409, "wrong-state")
    tile = web.get(job["links"]["tiles"]).json["tiles"][1]
    assert (tile["state"], tile["attempts"]) == ("failed", 1)
    assert web.call("POST", job["links"]["retry"]).status_code == 202


def test_delete(web):
    """A deleted job leaves no bytes, is not listed, and is gone for every call; running or ended."""
    running, ended = web.post().json, web.post().json
    web.finish(ended["id"])
    for job in (running, ended):
        answer = web.call("DELETE", job["links"]["self"])
        assert (answer.status_code, answer.data) == (204, b"")
        for path in ("self", "result", "source", "tiles"):
            gone = web.get(job["links"][path])
            assert (gone.status_code, gone.json["what"]) == (410, "expired")
        assert web.call("DELETE", job["links"]["self"]).status_code == 410
    assert web.blobs() == []
    assert web.get("/api/v1/jobs").json["jobs"] == []
    assert web.state.queue.active() == {}


def test_expired(web):
    """An expired job still says what it was; its images are gone."""
    job = web.post().json
    web.finish(job["id"])
    assert web.state.jobs.expire(job["id"])

    assert web.get(job["links"]["self"]).json["status"] == "expired"
    for path in ("result", "source", "preview"):
        assert web.get(job["links"][path]).status_code == 410
    assert web.call("POST", job["links"]["retry"]).status_code == 409


@pytest.mark.parametrize("id", ["0123456789abcdef", "x" * 100, "..%2F..", "%7Bx%7D"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/result"),
        ("GET", "/source"),
        ("GET", "/tiles"),
        ("GET", "/tiles/0"),
        ("GET", "/events"),
        ("GET", "/preview"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ],
)
def test_unknown_id(web, method, path, id):
    """An id that stands for nothing is 404, whatever is asked."""
    answer = web.call(method, f"/api/v1/jobs/{id}{path}")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["what"] in ("no-such-job", "not-found")


def test_job_that_redis_has_lost(web, valkey_url):
    """While a job is being restored, whoever asks for it is told to ask again, not that there is none."""
    job = web.post().json["id"]
    with Redis.from_url(valkey_url) as client:
        client.flushall()
    lost = web.get(f"/api/v1/jobs/{job}")
    never = web.get("/api/v1/jobs/0123456789abcdef")

    assert (lost.status_code, lost.json["part"]) == (503, "redis")
    assert int(lost.headers["Retry-After"]) >= 1
    assert never.status_code == 404
