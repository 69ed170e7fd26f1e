"""Uploads that are taken."""

import io
import json
import socket

import msgspec
import pytest

from pixo.errors import TryAgain
from pixo.state.records import Spec
from pixo.store import names
from services.web import origin


def test_form(web, image):
    """A form gives 202, the address and the whole document; the source, its record and first tasks are there."""
    data = image(300, 200)
    answer = web.post(data, filters="blur:sigma=3,grayscale", quality="90")
    job = answer.json

    assert answer.status_code == 202
    assert answer.headers["Location"] == job["links"]["self"] == f"/api/v1/jobs/{job['id']}"
    assert (job["width"], job["height"], job["format"]) == (300, 200, "jpeg")
    assert (job["status"], job["filename"], job["filters"]) == ("queued", "photo.jpg", "blur:sigma=3,grayscale")
    assert job["tiles"] == {"total": 1, "done": 0, "failed": 0}
    assert job["source"] == {"format": "jpeg", "size": len(data)}
    assert web.store.get(names.source(job["id"])) == data
    spec = msgspec.json.decode(web.store.get(names.job_record(job["id"])), type=Spec)
    assert (spec.id, spec.r, spec.plan.output.quality) == (job["id"], 0, 90)
    assert [task["job"] for task in web.tasks()] == [job["id"]]
    assert web.get(job["links"]["self"]).json["status"] == "processing"


def test_raw_body(web, image):
    """The raw body of an image type is the image; fields and its name come in the query."""
    data = image(form="PNG", mode="RGBA")
    answer = web.call(
        "POST",
        "/api/v1/jobs",
        data=data,
        content_type="image/png",
        query_string={"filters": "invert", "format": "jpeg", "background": "#FF0000", "filename": "a/b/wide.png"},
    )

    assert answer.status_code == 202
    assert (answer.json["filename"], answer.json["filters"], answer.json["format"]) == ("wide.png", "invert", "jpeg")
    assert web.store.get(names.source(answer.json["id"])) == data


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-origin", 202), ("same-site", 202), ("none", 202)]
)
def test_pages_of_others_change_nothing(web, image, site, status):
    """A browser says whose page has asked it to send something; any page may be looked at."""
    answer = web.post(image(), headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status
    assert web.get("/api/v1/jobs", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize("allowed", ["https://a.example, https://b.example", "*"])
def test_pages_of_allowed_origins_call_the_api(make_web, image, allowed):
    """The browser asks first, without a token; then the page may read the answer, be it a refusal."""
    web = make_web(PIXO_ALLOWED_ORIGINS=allowed, PIXO_API_TOKENS="alpha")
    page = {"Origin": "https://b.example", "Sec-Fetch-Site": "cross-site"}
    question = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

    asked = web.client.options("/api/v1/jobs", headers=question)
    assert asked.status_code == 204
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    sent = web.post(image(), headers={**page, "Authorization": "Bearer alpha"})
    refused = web.post(image(), headers=page)
    assert (sent.status_code, refused.status_code) == (202, 401)
    for answer in (asked, sent, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == ("*" if allowed == "*" else "https://b.example")
        assert "Location" in answer.headers["Access-Control-Expose-Headers"]
        assert ("Origin" in answer.headers.get("Vary", "")) == (allowed != "*")


@pytest.mark.parametrize("allowed", ["https://a.example", ""])
def test_pages_of_others_are_not_allowed(make_web, image, allowed):
    """Nothing tells the browser that they were, and what they send is refused, with the setting that would allow it."""
    web = make_web(PIXO_ALLOWED_ORIGINS=allowed)
    page = {"Origin": "https://b.example", "Sec-Fetch-Site": "cross-site"}

    asked = web.client.options("/api/v1/jobs", headers={**page, "Access-Control-Request-Method": "POST"})
    sent = web.post(image(), headers=page)
    assert (sent.status_code, sent.json["what"], sent.json["measured"]) == (403, "cross-site", "https://b.example")
    assert sent.json["setting"] == "PIXO_ALLOWED_ORIGINS"
    for answer in (asked, sent, web.get("/api/v1/jobs", headers=page)):
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("localhost:5001", 200),
        ("pixo.localhost", 200),
        ("127.0.0.1:5001", 200),
        ("[::1]:5001", 200),
        ("192.168.7.7", 200),
        ("rebound.example", 421),
        ("0.0.0.0:5001", 421),
        ("[::ffff:0:0]:5001", 421),
        ("[::ffff:7f00:1]:5001", 421),
        ("[::]", 421),
        ("rebound.example:5001", 421),
        ("localhost.rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("[::1", 421),
        ("user@", 421),
    ],
)
def test_other_names_of_a_server_of_this_machine(web, image, name, status):
    """A site whose name leads here is another site, however the browser sees it."""
    answer = web.get("/api/v1/jobs", headers={"Host": name})
    assert answer.status_code == status
    assert web.get("/", headers={"Host": name}).status_code == status
    assert web.post(image(), headers={"Host": name}).status_code == (status if status == 421 else 202)
    if status == 421:
        assert (answer.json["what"], answer.json["setting"]) == ("foreign-host", "PIXO_API_TOKENS")
        assert answer.json["measured"] == name


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"PIXO_HOST": "0.0.0.0"}, 200),  # noqa: S104 - nobody listens
        ({"PIXO_HOST": "::"}, 200),
        ({"PIXO_API_TOKENS": "alpha"}, 200),
        ({"PIXO_HOST": "localhost"}, 421),
        ({"PIXO_HOST": "LocalHost."}, 421),
        ({"PIXO_HOST": "::1"}, 421),
        ({"PIXO_HOST": "127.1"}, 421),
        ({"PIXO_HOST": "2130706433"}, 421),
        ({"PIXO_HOST": "::ffff:127.0.0.1"}, 421),
        ({"PIXO_HOST": "nobody..knows"}, 200),
    ],
)
def test_names_of_other_servers(make_web, environ, status):
    """A server of a network, or one that asks for tokens, answers to any name."""
    headers = {"Host": "pixo.example", "Authorization": "Bearer alpha"}
    assert make_web(**environ).get("/api/v1/jobs", headers=headers).status_code == status


@pytest.mark.parametrize(("address", "others"), [("127.0.1.1", 421), ("192.168.7.7", 200)])
def test_a_name_that_the_resolver_knows(make_web, monkeypatch, address, others):
    """Whether a server is its machine's alone is the address's to say; the name that it listens at is its own."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]
    monkeypatch.setattr(origin.socket, "getaddrinfo", lambda *_: found)
    web = make_web(PIXO_HOST="Here.example")
    monkeypatch.undo()

    assert web.get("/", headers={"Host": "pixo.example"}).status_code == others
    assert web.get("/", headers={"Host": "here.example:5001"}).status_code == 200


def test_fields_after_the_image(web, image):
    """The order of a form's fields does not matter."""
    body = b"".join(
        [
            b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n',
            image(),
            b'\r\n--x\r\nContent-Disposition: form-data; name="filters"\r\n\r\nsepia\r\n--x--\r\n',
        ]
    )
    answer = web.call("POST", "/api/v1/jobs", data=body, content_type="multipart/form-data; boundary=x")

    assert (answer.status_code, answer.json["filters"]) == (202, "sepia")


def test_defaults(web):
    """Without fields the image is made gray; empty fields count as left out, empty filters as none."""
    assert web.post().json["filters"] == "grayscale"
    assert web.post(filters="", quality="", format="").json["filters"] == "none"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\photos\\été.jpg", "été.jpg"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\n.jpg", "ab.jpg"),
        ("..", ""),
        ("x" * 300 + ".jpeg", "x" * 195 + ".jpeg"),
    ],
)
def test_file_name(web, image, given, kept):
    """A file's name is kept without folders and control characters, and not too long."""
    answer = web.call("POST", "/api/v1/jobs", data=image(), content_type="image/jpeg", query_string={"filename": given})

    assert answer.json["filename"] == kept


def test_tile_size(web, image):
    """The tile size that is asked for cuts the image."""
    job = web.post(image(512, 512), tile_size="64").json

    assert job["tiles"]["total"] > 1
    tiles = web.get(job["links"]["tiles"]).json["tiles"]
    assert len(tiles) == job["tiles"]["total"]
    assert sum(tile["box"]["height"] for tile in tiles) == 512
    assert {tile["state"] for tile in tiles} <= {"waiting", "processing"}


def test_tile_size_of_the_installation(make_web, image):
    """A tile size that was set holds where none is asked for."""
    data = image(512, 512)
    web = make_web(PIXO_TILE_SIZE="64")

    assert web.post(data).json["tiles"]["total"] == web.post(data, tile_size="64").json["tiles"]["total"] > 1
    assert web.post(data, tile_size="512").json["tiles"]["total"] == 1


def test_idempotency_key(web, image):
    """The same request with the same key is the same job, and leaves one source; without a key it is another."""
    headers = {"Idempotency-Key": "k-1"}
    first = web.post(headers=headers, filters="sepia")
    again = web.post(headers=headers, filters="sepia")
    other = web.post(filters="sepia")

    assert first.status_code == again.status_code == 202
    assert first.json["id"] == again.json["id"] != other.json["id"]
    assert len([key for key in web.blobs() if key.endswith("/source")]) == 2


@pytest.mark.parametrize("change", ["filters", "bytes"])
def test_idempotency_key_of_another_request(web, image, change):
    """The key of another request is refused, and nothing is left of the second."""
    headers = {"Idempotency-Key": "k-2"}
    first = web.post(headers=headers).json["id"]
    answer = web.post(image(65, 48), headers=headers) if change == "bytes" else web.post(headers=headers, filters="box")

    assert answer.status_code == 422
    assert answer.json["what"] == "idempotency-key-reused"
    assert all(key.startswith(names.prefix(first)) for key in web.blobs())


@pytest.mark.parametrize("source_kept", [True, False])
def test_idempotency_key_after_a_crash(web, source_kept):
    """A submission that broke off after its key was claimed is finished by the next one with the key."""
    headers = {"Idempotency-Key": "k-3"}
    first = web.post(headers=headers).json["id"]
    # What a crash right after the claim leaves: no job, no record.
    web.state.jobs.delete(first)
    web.state._client.delete(f"pixo:job:{{{first}}}")
    web.store.delete(names.job_record(first))
    if not source_kept:
        web.store.delete_prefix(names.prefix(first))
    again = web.post(headers=headers).json

    assert again["id"] == first
    assert web.get(again["links"]["self"]).json["status"] == "processing"
    assert web.blobs() == [names.job_record(first), names.source(first)]


@pytest.mark.parametrize("step", ["add", "create", "enrol"])
def test_idempotency_key_of_a_broken_submission(web, monkeypatch, step):
    """When Redis goes away in a submission with a key and comes back, sending it again makes the job after all."""
    owner = {"add": web.state.queue, "create": web.state.jobs, "enrol": web.parts.dispatcher}[step]

    def away(*_, **__):
        monkeypatch.undo()
        raise TryAgain("redis", "gone")

    monkeypatch.setattr(owner, step, away)
    headers = {"Idempotency-Key": "k-4"}
    broken = web.post(headers=headers)
    again = web.post(headers=headers)

    assert (broken.status_code, again.status_code) == (503, 202)
    assert web.blobs() == [names.job_record(again.json["id"]), names.source(again.json["id"])]
    assert web.state.queue.size() == 1
    assert web.state.queue.enrolled(again.json["id"])


def test_wait_for_nothing(web):
    """A job that does not end in time is answered as it stands."""
    answer = web.post(query={"wait": "0.2"})

    assert (answer.status_code, answer.json["status"]) == (202, "processing")
    assert web.get(answer.json["links"]["self"], query_string={"wait": "0.1"}).json["status"] == "processing"


def test_chunked_body(web, image):
    """A body whose length is not declared is read to the end that the server tells."""
    answer = web.call(
        "POST",
        "/api/v1/jobs",
        input_stream=io.BytesIO(image()),
        content_type="image/jpeg",
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == 202


def test_job_document_is_what_openapi_says(web):
    """Every member of a job's document is described, and every required one is there."""
    job = web.post().json
    schema = json.loads(web.get("/api/v1/openapi.json").data)["components"]["schemas"]["Job"]

    assert set(job) == set(schema["properties"])
    assert set(schema["required"]) <= set(job)
