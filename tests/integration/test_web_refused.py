"""Uploads that are refused: a problem document with the right status, and nothing left in the store."""

import io
import struct
import zlib

import pytest
from PIL import Image

PROBLEM = "application/problem+json"


def png_header(width, height):
    """Give a PNG that claims a size and holds next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def refused(web, answer, status, what):
    """Check a problem document, and that neither store nor state nor Kafka know of anything; give it."""
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.data
    problem = answer.json
    assert problem["type"] == f"urn:pixo:problem:{what}"
    assert (problem["status"], problem["what"], problem["instance"]) == (status, what, "/api/v1/jobs")
    assert problem["title"]
    assert problem["detail"]
    assert web.blobs() == []
    assert list(web.store._store._root.glob(".parts/*")) == []
    assert web.state.queue.size() == web.state.queue.waiting() == 0
    assert web.tasks() == []
    return problem


@pytest.mark.parametrize(
    ("fields", "status", "what"),
    [
        ({"filters": "swirl"}, 400, "unknown-filter"),
        ({"filters": "blur:sigma=-3"}, 400, "bad-parameter"),
        ({"filters": "blur:sigma=1e9"}, 400, "bad-parameter"),
        ({"filters": "blur:size=3"}, 400, "unknown-parameter"),
        ({"filters": ",".join(["invert"] * 40)}, 400, "too-many-filters"),
        ({"format": "bmp"}, 400, "unknown-format"),
        ({"quality": "101"}, 400, "bad-field"),
        ({"quality": "good"}, 400, "bad-field"),
        ({"metadata": "some"}, 400, "bad-field"),
        ({"background": "mauve"}, 400, "bad-field"),
        ({"tile_size": "1"}, 400, "bad-field"),
        ({"priority": "now"}, 400, "bad-field"),
        ({"filter": "blur"}, 400, "unknown-field"),
    ],
)
def test_bad_fields(web, fields, status, what):
    """What is wrong with a field is said, with what was given."""
    problem = refused(web, web.post(**fields), status, what)

    assert problem["measured"]


def test_fields_given_twice(web):
    """Nobody can say which of them is meant: none is taken in silence, wherever it stands."""
    refused(web, web.post(query="filters=invert&filters=blur"), 400, "repeated-field")
    refused(web, web.post(query="wait=1&wait=2"), 400, "repeated-field")
    refused(web, web.post(query="filters=invert", filters="blur"), 400, "repeated-field")
    refused(web, web.get("/api/v1/jobs?status=done&status=failed"), 400, "repeated-field")
    assert web.get("/api/v1/jobs/0123456789abcdef?wait=1&wait=1").json["what"] == "repeated-field"


def test_no_image(web):
    """A form without an image, a body without a type and an empty request have no image."""
    for options in (
        {"data": {"filters": "blur"}, "content_type": "multipart/form-data"},
        {"data": b""},
        {},
    ):
        refused(web, web.call("POST", "/api/v1/jobs", **options), 400, "no-image")


def test_empty_file(web):
    """An empty file is refused as one, in a form and raw."""
    refused(web, web.post(b""), 400, "empty-file")
    refused(web, web.call("POST", "/api/v1/jobs", data=b"", content_type="image/png"), 400, "empty-file")


def test_text_named_jpg(web):
    """Content counts, not the name."""
    refused(web, web.post(b"Dear Sir or Madam, enclosed please find no photograph.\n" * 9), 415, "unsupported-format")


def test_wrong_media_type(web):
    """A body that is neither a form nor an image is refused with what it was."""
    answer = web.call("POST", "/api/v1/jobs", data=b"{}", content_type="application/json")

    assert refused(web, answer, 415, "unsupported-media-type")["measured"] == "application/json"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_truncated(web, image, form):
    """A file whose end is missing is refused at the door."""
    data = image(400, 300, form=form)
    refused(web, web.post(data[: len(data) // 2]), 422, "truncated-file")


def test_broken_header(web, image):
    """A file that ends within its header is refused."""
    refused(web, web.post(image()[:100]), 422, "broken-header")


def test_png_bomb(web):
    """A small file of enormous size is refused by its header, with the measured pixels and the limit."""
    problem = refused(web, web.post(png_header(65535, 65535)), 422, "too-many-pixels")

    assert problem["measured"] == 65535**2
    assert problem["limit"] == web.settings.limits.max_pixels
    assert problem["setting"] == "PIXO_MAX_PIXELS"


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("PIXO_MAX_PIXELS", 1000, "too-many-pixels"),
        ("PIXO_MAX_WIDTH", 50, "too-wide"),
        ("PIXO_MAX_HEIGHT", 40, "too-high"),
        ("PIXO_MAX_ASPECT", 1, "bad-aspect"),
        ("PIXO_MAX_TILE_BYTES", 100, "too-many-pixels"),
    ],
)
def test_limits(make_web, variable, value, what):
    """Each limit is refused with its name, the measured value and the setting that moves it."""
    web = make_web(**{variable: str(value)})
    problem = refused(web, web.post(), 422, what)

    assert problem["setting"] == variable
    assert problem["limit"] == value
    assert problem["measured"] is not None


def test_too_many_frames(web, image):
    """An animation is refused."""
    other = Image.new("RGB", (64, 48), "red")
    data = image(form="GIF", save_all=True, append_images=[other, other])

    assert refused(web, web.post(data), 422, "too-many-frames")["setting"] == "PIXO_MAX_FRAMES"


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("declared", [True, False])
def test_too_many_bytes(make_web, image, raw, declared):
    """Too long an upload is refused, by its declared length or as soon as there are too many."""
    web = make_web(PIXO_MAX_UPLOAD_BYTES="400000")
    data = image() + bytes(1_000_000)
    if raw:
        body, kind = data, "image/jpeg"
    else:
        head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        body, kind = head + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
    stream = {"data": body} if declared else _chunked(body)
    answer = web.call("POST", "/api/v1/jobs", content_type=kind, **stream)
    problem = refused(web, answer, 413, "too-many-bytes")

    assert problem["setting"] == "PIXO_MAX_UPLOAD_BYTES"
    assert problem["limit"] == 400_000
    assert "400,000 bytes" in problem["detail"]
    assert problem["measured"] > 400_000


@pytest.mark.parametrize("cut", [10, 80, 400, -5])
def test_cut_off_form(web, image, cut):
    """A form that ends early, its length notwithstanding, leaves nothing."""
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = head + image() + b"\r\n--x--\r\n"
    answer = web.call("POST", "/api/v1/jobs", data=body[:cut], content_type="multipart/form-data; boundary=x")

    refused(web, answer, 400, "bad-multipart")


def test_cut_off_connection(web, image):
    """A body that is shorter than declared leaves nothing."""
    data = image()
    answer = web.call(
        "POST",
        "/api/v1/jobs",
        data=data[:-10],
        content_type="image/jpeg",
        environ_overrides={"CONTENT_LENGTH": str(len(data))},
    )

    assert refused(web, answer, 400, "cut-off-upload")["measured"] == len(data) - 10


def test_form_without_boundary(web):
    """A form that names no boundary is refused."""
    answer = web.call("POST", "/api/v1/jobs", data=b"--x", content_type="multipart/form-data")

    refused(web, answer, 400, "bad-multipart")


def test_two_images(web, image):
    """One request takes one image, and each field once."""
    part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + image() + b"\r\n"
    answer = web.call("POST", "/api/v1/jobs", data=part * 2 + b"--x--", content_type="multipart/form-data; boundary=x")
    refused(web, answer, 400, "repeated-field")
    refused(web, web.post(filters="blur", query={"filters": "box"}), 400, "repeated-field")


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
def test_bad_wait(web, wait):
    """The time to wait has bounds."""
    refused(web, web.post(query={"wait": wait}), 400, "bad-field")


def test_long_key(web):
    """An idempotency key has bounds."""
    refused(web, web.post(headers={"Idempotency-Key": "k" * 300}), 400, "bad-field")


def _chunked(body):
    return {"input_stream": io.BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}


def test_no_room(make_web):
    """Beyond PIXO_MAX_WAITING: 429 with figures and setting, before the image is read; each is told a later time."""
    web = make_web(PIXO_MAX_WAITING="1")
    first = web.post().json["id"]
    web.state.queue.enrol("another", 1, small=True, weight=1)
    blobs = web.blobs()

    answers = [web.post(), web.post()]
    for answer in answers:
        assert answer.status_code == 429
        assert answer.json["what"] == "too-many-waiting"
        assert (answer.json["measured"], answer.json["limit"]) == (1, 1)
        assert answer.json["setting"] == "PIXO_MAX_WAITING"
        assert answer.headers["Retry-After"] == "60", "no worker lives"
    assert web.blobs() == blobs
    assert web.get("/api/v1/jobs").json["jobs"][0]["id"] == first

    web.state.queue.leave("another")
    assert web.post().status_code == 202
