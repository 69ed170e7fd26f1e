"""The web role with its images in a bucket."""

import io

import pytest
from PIL import Image

from pixo.store import names

pytestmark = pytest.mark.s3


@pytest.fixture
def web(make_web, s3_settings):
    """Give the web role over a bucket."""
    return make_web(
        PIXO_STORE=s3_settings.store,
        PIXO_STORE_ENDPOINT=s3_settings.store_endpoint,
        PIXO_STORE_ACCESS_KEY=s3_settings.store_access_key,
        PIXO_STORE_SECRET_KEY=s3_settings.store_secret_key,
    )


@pytest.mark.parametrize(("form", "side"), [("JPEG", 300), ("PNG", 300), ("TIFF", 3000), ("WEBP", 300)])
def test_a_job_in_a_bucket(web, image, form, side):
    """An image goes into the bucket and out again, whole and in ranges; so does its result."""
    data = image(side, side, form=form, mode="RGB")
    job = web.post(data, format="png").json
    final = web.finish(job["id"])

    source = web.get(job["links"]["source"])
    assert source.data == data
    assert source.headers["Content-Length"] == str(len(data))
    assert web.get(job["links"]["source"], headers={"Range": "bytes=100-199"}).data == data[100:200]
    result = web.get(job["links"]["result"])
    assert result.data == final
    assert Image.open(io.BytesIO(result.data)).size == (side, side)
    assert web.get(job["links"]["result"], headers={"Range": "bytes=-9"}).data == final[-9:]
    small = web.get(job["links"]["preview"], query_string={"size": "100"})
    assert Image.open(io.BytesIO(small.data)).size == (100, 100)
    assert web.call("DELETE", job["links"]["self"]).status_code == 204
    assert web.blobs() == []


def test_refused_with_a_bucket(web, image):
    """What is refused leaves nothing in the bucket."""
    data = image(400, 300)
    for body in (b"", b"text" * 99, data[:100], data[:-500]):
        assert 400 <= web.post(body).status_code < 500
    assert web.blobs() == []


def test_bucket_goes_away(web, s3_server):
    """A bucket that is gone is 503 of the part store, and the result of a job there is, too."""
    job = web.post().json
    web.finish(job["id"])
    bucket = web.settings.store.store.split("/")[2]
    (s3_server[1] / bucket).rename(s3_server[1] / f"{bucket}-away")

    answer = web.post()
    assert (answer.status_code, answer.json["part"]) == (503, "store")


def test_key_twice_with_a_bucket(web):
    """An idempotency key holds with a bucket, and a broken-off submission is finished from the second upload."""
    headers = {"Idempotency-Key": "bucket-key"}
    first = web.post(headers=headers).json["id"]
    assert web.post(headers=headers).json["id"] == first
    web.state._client.delete(f"pixo:job:{{{first}}}")
    web.store.delete_prefix(names.prefix(first))
    assert web.post(headers=headers).json["id"] == first
    assert web.blobs() == [names.job_record(first), names.source(first)]
