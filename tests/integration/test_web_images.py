"""Results, sources and tiles as they are downloaded."""

import io
from hashlib import sha256

import pytest
from PIL import Image


@pytest.fixture
def done(web, image):
    """Give a finished job's document and its final's bytes."""
    job = web.post(image(512, 512), tile_size="64", filters="blur:3,grayscale").json
    data = web.finish(job["id"])
    return web.get(job["links"]["self"]).json, data


def test_result(web, done):
    """A result has a name, a type, a length and its SHA-256 as its strong ETag; it opens."""
    job, data = done
    answer = web.get(job["links"]["result"])

    assert (answer.status_code, answer.data) == (200, data)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["ETag"] == f'"{sha256(data).hexdigest()}"' == f'"{job["result"]["sha256"]}"'
    assert answer.headers["Content-Disposition"] == 'inline; filename="photo-blur-grayscale.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.data)).size == (512, 512)
    saved = web.get(job["links"]["result"], query_string={"download": ""})
    assert saved.headers["Content-Disposition"].startswith("attachment;")


def test_head(web, done):
    """HEAD says the same without the bytes."""
    job, data = done
    answer = web.call("HEAD", job["links"]["result"])

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(data))


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("0-9", 0, 9), ("100-", 100, -1), ("-7", -7, -1), ("5-999999999", 5, -1)]
)
def test_range(web, done, asked, first, last):
    """One range is answered with 206 and exactly those bytes."""
    job, data = done
    first, last = first % len(data), last % len(data)
    answer = web.get(job["links"]["result"], headers={"Range": f"bytes={asked}"})

    assert (answer.status_code, answer.data) == (206, data[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
    assert answer.headers["Content-Length"] == str(last + 1 - first)


def test_ranges_that_mean_everything(web, done):
    """Several ranges, nonsense, and a range of another version give the whole."""
    job, data = done
    for headers in (
        {"Range": "bytes=0-1,5-6"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=x"},
        {"Range": "bytes=0-1", "If-Range": '"other"'},
    ):
        answer = web.get(job["links"]["result"], headers=headers)
        assert (answer.status_code, answer.data) == (200, data)
    tag = web.get(job["links"]["result"]).headers["ETag"]
    assert web.get(job["links"]["result"], headers={"Range": "bytes=0-1", "If-Range": tag}).status_code == 206


def test_more_last_bytes_than_there_are(web, done):
    """The last bytes of a shorter image are all of it."""
    job, data = done
    answer = web.get(job["links"]["result"], headers={"Range": "bytes=-999999999"})
    assert answer.data == data


def test_range_beyond_the_end(web, done):
    """A range beyond the end is 416, with the length."""
    job, data = done
    answer = web.get(job["links"]["result"], headers={"Range": f"bytes={len(data)}-"})

    assert (answer.status_code, answer.json["what"], answer.json["limit"]) == (416, "bad-range", len(data))
    assert answer.headers["Content-Range"] == f"bytes */{len(data)}"


def test_not_changed(web, done):
    """Who has the bytes gets 304."""
    job, _ = done
    tag = web.get(job["links"]["result"]).headers["ETag"]
    answer = web.get(job["links"]["result"], headers={"If-None-Match": f'"x", {tag}'})

    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


def test_result_before_the_end(web):
    """Before the end there is no result: 409, and when to ask again."""
    job = web.post().json
    answer = web.get(job["links"]["result"])

    assert (answer.status_code, answer.json["what"], answer.json["measured"]) == (409, "no-image-yet", "processing")
    assert int(answer.headers["Retry-After"]) > 0


def test_result_whose_bytes_are_gone(web, done):
    """A result that vanished from the store is 410."""
    job, _ = done
    web.store.delete_prefix(f"jobs/{job['id']}/")

    assert web.get(job["links"]["result"]).status_code == 410


def test_source(web, image):
    """The source comes back as it went in, with its name and type, at once."""
    data = image(form="PNG")
    job = web.call(
        "POST", "/api/v1/jobs", data=data, content_type="image/png", query_string={"filename": 'é "q".png'}
    ).json
    answer = web.get(job["links"]["source"])

    assert (answer.data, answer.content_type) == (data, "image/png")
    expected = "inline; filename=\"e _q_.png\"; filename*=UTF-8''%C3%A9%20%22q%22.png"
    assert answer.headers["Content-Disposition"] == expected


@pytest.mark.parametrize(
    ("name", "plain"), [("фото.png", "image.png"), ("-x.png", "image-x.png"), ("a／b.png", "a_b.png")]
)
def test_names_without_letters_of_ascii(web, image, name, plain):
    """Who reads only the plain name gets one that is a file's, in this folder, and no option."""
    data = image(form="PNG")
    job = web.call("POST", "/api/v1/jobs", data=data, content_type="IMAGE/PNG", query_string={"filename": name}).json
    said = web.get(job["links"]["source"]).headers["Content-Disposition"]
    assert said.startswith(f'inline; filename="{plain}"')


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_tile(web, image, form):
    """A finished tile is an image of its own, others are 409, and there are no more than there are."""
    job = web.post(image(512, 512), tile_size="64", format=form).json
    web.tile(job["id"], 1)
    tile = web.get(job["links"]["tiles"]).json["tiles"][1]
    answer = web.get(tile["links"]["image"])

    assert (tile["state"], tile["worker"], tile["attempts"], tile["ms"]) == ("done", "w-1", 1, 7)
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.data))
    picture.load()
    assert picture.size == (tile["box"]["width"], tile["box"]["height"])
    assert picture.getpixel((3, 3)) == 41
    again = web.get(tile["links"]["image"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert web.get(tile["links"]["image"], headers={"If-None-Match": '"x"'}).data == answer.data
    early = web.get(f"{job['links']['tiles']}/0")
    assert (early.status_code, early.json["what"]) == (409, "no-tile-yet")
    total = job["tiles"]["total"]
    beyond = web.get(f"{job['links']['tiles']}/{total}")
    assert (beyond.status_code, beyond.json["limit"]) == (404, total)
