"""Sends pictures through a Pixo and compares every pixel with what it must be. The argument is its URL."""

import io
import json
import sys
import tempfile
import urllib.request
from os import environ
from pathlib import Path
from urllib.parse import urlencode

import cv2
import numpy as np

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request

WIDTH, HEIGHT = 1600, 1200


def call(path: str, data: bytes | None = None) -> bytes:
    """Give the answer to a GET, or to a POST of an image."""
    token = environ.get("PIXO_API_TOKENS", "").partition(",")[0]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if data is not None:
        headers["Content-Type"] = "image/png"
    with urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, data, headers), timeout=120) as answer:
        return answer.read()


def through_pixo(png: bytes, filters: str) -> np.ndarray:
    """Give the pixels that the service makes of a PNG; the job is deleted afterwards."""
    query = urlencode({"filters": filters, "format": "png", "tile_size": 256, "wait": 60})
    job = json.loads(call(f"/api/v1/jobs?{query}", png))
    while job["status"] not in {"done", "failed", "cancelled"}:
        job = json.loads(call(f"/api/v1/jobs/{job['id']}?wait=60"))
    if job["status"] != "done":
        sys.exit(f"{filters}: the job is {job['status']}: {job.get('error')}")
    print(f"{filters}: {job['tiles']['total']} tiles")
    pixels = decoded(call(f"/api/v1/jobs/{job['id']}/result"))
    remove = urllib.request.Request(f"{sys.argv[1]}/api/v1/jobs/{job['id']}", method="DELETE")
    if token := environ.get("PIXO_API_TOKENS", "").partition(",")[0]:
        remove.add_header("Authorization", f"Bearer {token}")
    urllib.request.urlopen(remove, timeout=60).close()
    return pixels


def here(png: bytes, filters: str) -> np.ndarray:
    """Give the pixels that the same engine makes without a service."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.png")
        path.write_bytes(png)
        out = io.BytesIO()
        apply(path, parse(filters), Request(format="png"), Limits(), out.write)
    return decoded(out.getvalue())


def decoded(png: bytes) -> np.ndarray:
    """Give the pixels of a PNG."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


noise = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
source = cv2.imencode(".png", noise)[1].tobytes()

for chain, expected in {"invert": 255 - noise, "blur:sigma=3,edges": here(source, "blur:sigma=3,edges")}.items():
    got = through_pixo(source, chain)
    if got.shape != expected.shape or not np.array_equal(got, expected):
        sys.exit(f"{chain}: the pixels differ")
print("every pixel is right")
