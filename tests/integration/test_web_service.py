"""The service around the jobs: what it says of itself, who may call, what happens when a part is away."""

import json
import re
import socket

import pytest

from pixo.errors import TryAgain
from pixo.messages import Heartbeat
from pixo.state import keys
from services.web import problems, queries
from tests import kinds
from tests.integration import openapi


def test_every_route_is_described(web):
    """OpenAPI has every route and method of the API, and nothing else."""
    document = json.loads(web.get("/api/v1/openapi.json").data)
    described = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "delete", "put", "patch")
    }
    there = {
        (openapi.template(rule), method)
        for rule in web.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("page.")
    }

    assert document["openapi"].startswith("3.1")
    assert described == there


def test_openapi_is_sound(web):
    """Every reference leads somewhere, every operation has a name of its own and every path its parameters."""
    document = json.loads(web.get("/api/v1/openapi.json").data)
    for target in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document)):
        node = document
        for step in target.split("/"):
            node = node[step]
    operations = [
        operation["operationId"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(operations) == len(set(operations))
    for path, item in document["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        assert len(names) == len(item.get("parameters", []))


def test_openapi_names_every_kind_of_problem():
    """What a problem may be called is what the code calls it; operations name every status that those have."""
    document = openapi.document()
    found = kinds.named(*kinds.NAMED_AT)
    statuses = {str(problems.STATUS.get(kind, 422)) for kind in found} - {"405"}  # of no operation
    named = {status for item in document["paths"].values() for one in item.values() for status in _statuses(one)}

    assert document["components"]["schemas"]["Problem"]["properties"]["what"]["enum"] == sorted(found)
    assert statuses <= named
    assert set(problems.STATUS) <= found


def _statuses(operation):
    return operation["responses"] if isinstance(operation, dict) else ()


def test_openapi_names_what_any_operation_may_answer(web):
    """Who asks by a wrong name, without a token or for a page of others is refused, whatever was asked."""
    for path, item in openapi.document()["paths"].items():
        for method in set(item) & {"get", "post", "delete"}:
            named = set(item[method]["responses"])
            assert "421" in named
            assert ("403" in named) == (method != "get")
            assert ("401" in named) == (item[method].get("security") != []), path


def test_a_query_has_the_fields_that_are_described_and_no_others(web):
    """A field that a call does not know is refused, before anything is done; the page and probes are addresses only."""
    paths = openapi.document()["paths"]
    calls = [
        (rule, method)
        for rule in web.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint != queries.UPLOAD
    ]
    assert set(queries.TAKEN) <= {rule.endpoint for rule, _ in calls}
    for rule, method in calls:
        described = paths[openapi.template(rule)][method.lower()].get("parameters", [])
        named = {one.get("name", "wait") for one in described if one.get("in", "query") == "query"}  # a reference: wait
        assert named == set(queries.TAKEN.get(rule.endpoint, ()))

        problem = web.call(method, re.sub("<[^>]+>", "1", rule.rule), query_string={"stauts": "done"})

        assert (problem.status_code, problem.json["what"]) == (400, "unknown-field")
        assert problem.json["measured"] == "stauts"
    for path in ("/", "/healthz", "/readyz", "/metrics"):
        assert web.get(path, query_string={"from": "elsewhere"}).status_code == 200


def test_filters(web):
    """The catalogue has the filters with their parameters."""
    filters = {one["name"]: one for one in web.get("/api/v1/filters").json["filters"]}

    assert {"grayscale", "blur", "pixelate"} <= set(filters)
    (sigma,) = filters["blur"]["parameters"]
    assert (sigma["name"], sigma["type"]) == ("sigma", "number")


def test_workers_and_cluster(web):
    """Workers that beat are shown, and what the monitor wrote, with the number of jobs."""
    assert web.get("/api/v1/workers").json == {"workers": []}
    assert web.get("/api/v1/cluster").json["monitored"] is False
    web.state.workers.beat(Heartbeat(id="w1", role="worker", version="1", host="h", started=1e9, partitions=[2, 0]))
    web.state.workers.beat(Heartbeat(id="r1", role="results", version="1", host="h", started=1e9))
    web.state.cluster.write({"topics": [{"name": "tasks", "partitions": 4}]})
    web.post()

    (worker,) = web.get("/api/v1/workers").json["workers"]
    assert (worker["id"], worker["state"]) == ("w1", "alive")
    assert (worker["id"], worker["partitions"], worker["started"]) == ("w1", [0, 2], "2001-09-09T01:46:40.000Z")
    cluster = web.get("/api/v1/cluster").json
    assert cluster["monitored"] is True
    assert cluster["topics"] == [{"name": "tasks", "partitions": 4}]
    assert cluster["jobs"] == {"listed": 1, "waiting": 0, "active": 1}
    assert {role["id"] for role in cluster["roles"]} == {"w1", "r1"}


def test_a_dead_worker_is_shown_as_dead(web):
    """Who fell silent stays on the list, as dead, without partitions; `pixo workers` and the page read this."""
    web.state.workers.beat(Heartbeat(id="w1", role="worker", version="1", host="h", started=1e9, partitions=[2, 0]))
    web.state._client.delete(keys.worker("w1"))

    (worker,) = web.get("/api/v1/workers").json["workers"]
    assert (worker["state"], worker["partitions"]) == ("dead", [])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/api/v1/jobs/0123", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/jobs/0123/cancel", "OPTIONS, POST"),
        ("DELETE", "/api/v1/filters", "GET, HEAD, OPTIONS"),
    ],
)
def test_wrong_method(web, method, path, allowed):
    """A method that an address does not have is 405, with those that it has."""
    answer = web.call(method, path)

    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert (answer.json["what"], answer.json["measured"]) == ("method-not-allowed", method)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v2/jobs", "/nothing.html", "/a/b", "/../setup.py", "/api/v1/jobs//tiles"]
)
def test_unknown_path(web, path):
    """An address that stands for nothing is 404."""
    answer = web.get(path)

    assert (answer.status_code, answer.json["what"]) == (404, "not-found")


def test_internal_fault_tells_nothing(web, monkeypatch):
    """A fault of ours is a problem document without a word of the inside."""
    monkeypatch.setattr(web.state.jobs, "read", lambda _: 1 / 0)
    answer = web.get("/api/v1/jobs/nobody")

    assert (answer.status_code, answer.json["what"]) == (500, "internal-error")
    assert b"zero" not in answer.data.lower()


def test_page(web):
    """The page and its files come with types, a policy that keeps everything here, and are sent only when changed."""
    page = web.get("/")

    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert b"Select Image File" in page.data
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:href|src)="([\w.]+)"', page.data.decode()):
        file = web.get(f"/{name}")
        assert file.status_code == 200
        assert file.headers["Cache-Control"] == "no-cache"
        again = web.get(f"/{name}", headers={"If-None-Match": file.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_tokens(make_web):
    """With tokens set, API calls need one of them; the page and the probes do not."""
    web = make_web(PIXO_API_TOKENS="alpha, beta")
    for headers in (
        {},
        {"Authorization": "Bearer gamma"},
        {"Authorization": "Basic alpha"},
        {"Authorization": "alpha"},
    ):
        for path in ("/api/v1/jobs", "/api/v1/jobs/0123/result", "/api/v1/nothing", "/api/v1/openapi.json"):
            answer = web.get(path, headers=headers)
            assert (answer.status_code, answer.json["what"]) == (401, "no-token")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert web.post().status_code == 401
    assert web.blobs() == []
    assert web.get("/metrics").status_code == 401
    for path in ("/", "/app.js", "/healthz", "/readyz"):
        assert web.get(path).status_code == 200
    for token in ("alpha", "beta"):
        assert web.get("/api/v1/jobs", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert web.post(headers={"Authorization": "bearer beta"}).status_code == 202


def test_kafka_away(web):
    """Without Kafka an upload is refused with 503 and when to come again, nothing is left; what is there is shown."""
    done = web.post().json
    data = web.finish(done["id"])
    before = web.blobs()
    web.broker.down = True
    answer = web.post()

    assert (answer.status_code, answer.json["what"], answer.json["part"]) == (503, "out-of-reach", "kafka")
    assert int(answer.headers["Retry-After"]) > 0
    assert web.blobs() == before
    assert web.get(done["links"]["result"]).data == data
    assert web.get("/healthz").status_code == 200
    ready = web.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["redis"]) == (503, "ok")
    assert ready.json["checks"]["kafka"] != "ok"
    web.broker.down = False
    assert web.get("/readyz").status_code == 200
    assert web.post().status_code == 202


def test_redis_away(make_web, unused_port):
    """Without Redis everything that needs it is 503 with the part's name, and an upload leaves nothing."""
    web = make_web(PIXO_REDIS=f"redis://127.0.0.1:{unused_port}/0")
    for answer in (web.post(), web.get("/api/v1/jobs"), web.get("/api/v1/jobs/nobody"), web.get("/api/v1/workers")):
        assert (answer.status_code, answer.json["part"]) == (503, "redis")
        assert answer.headers["Retry-After"]
    assert web.blobs() == []
    assert web.get("/readyz").status_code == 503
    assert web.get("/healthz").status_code == web.get("/").status_code == web.get("/api/v1/filters").status_code == 200


def test_store_away(make_web, tmp_path):
    """Without the store an upload is 503."""
    (tmp_path / "blobs").write_bytes(b"a file where the folder should be")
    answer = make_web().post()

    assert (answer.status_code, answer.json["part"]) == (503, "store")


@pytest.mark.parametrize("step", ["add", "create", "enrol"])
def test_redis_goes_in_the_middle(web, monkeypatch, step):
    """When Redis goes away at any step of a submission, the upload is 503 and leaves nothing in the store."""

    def away(*_, **__):
        raise TryAgain("redis", "gone")

    owner = {"add": web.state.queue, "create": web.state.jobs, "enrol": web.parts.dispatcher}[step]
    monkeypatch.setattr(owner, step, away)
    answer = web.post()

    assert answer.status_code == 503
    assert web.blobs() == []


def test_figures(web):
    """Requests are counted by their route, not by their path."""
    web.get("/api/v1/jobs/nobody")
    figures = web.get("/metrics").data.decode()

    assert 'route="/api/v1/jobs/<id>"' in figures
    assert "nobody" not in figures


@pytest.fixture
def unused_port():
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
