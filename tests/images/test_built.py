"""Images as they were built: ``make test-images``. Variables name them: ``DOCKER``, ``IMAGE_PREFIX``, ``TAG``."""

import io
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import numpy as np
import pytest
from PIL import Image

import pixo
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
ROLES = ("web", "worker", "results", "monitor")
DOCKER = os.environ.get("DOCKER", "docker")
PREFIX = os.environ.get("IMAGE_PREFIX", "pixo-")
TAG = os.environ.get("TAG", pixo.__version__)
LIMITS = ["--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
PATIENCE = 120.0

INSIDE = """
import importlib.metadata, json, os, pathlib
def writable(folder):
    try:
        pathlib.Path(folder, "x").touch()
    except OSError:
        return False
    return True
print(json.dumps({
    "uid": os.getuid(),
    "rooms": sorted(entry.name for entry in os.scandir("/app/services") if entry.is_dir()),
    "app": writable("/app"),
    "tmp": writable("/tmp"),
    "there": sorted(found.name.lower() for found in importlib.metadata.distributions(path=[
        str(next(pathlib.Path("/venv/lib").glob("python*/site-packages")))])),
    "stale": [str(file) for file in pathlib.Path("/venv/lib").rglob("*.pyc") if file.read_bytes()[4] != 1],
}))
"""


def image(role: str) -> str:
    """Give a role's image."""
    return f"{PREFIX}{role}:{TAG}"


def run(role: str, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a program in a role's image, with as little around it as a strict cluster gives."""
    command = [DOCKER, "run", "--rm", *LIMITS, *options, image(role), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize("role", ROLES)
def test_an_image_holds_its_role_and_its_lock_alone(role: str) -> None:
    """Nobody in particular, a root that cannot be written, one room, the locked packages, bytecode that is used."""
    done = run(role, "-c", INSIDE, options=("--entrypoint=python",))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    lines = (ROOT / "requirements" / f"{role}.txt").read_text().splitlines()
    locked = {line.partition("==")[0].lower() for line in lines if "==" in line}

    assert found["uid"] == 10001
    assert found["rooms"] == [role]
    assert (found["app"], found["tmp"]) == (False, True)
    assert {name.replace("_", "-") for name in found["there"]} <= locked
    assert found["stale"] == []


@pytest.mark.parametrize("role", ROLES)
def test_an_image_begins_and_ends_its_role(role: str) -> None:
    """Without anything that it needs it waits, says so as JSON, and ends with 0 on SIGTERM."""
    name = f"pixo-test-{token_hex(4)}"
    settings = ["PIXO_STORE=s3://none", "PIXO_STORE_ENDPOINT=http://127.0.0.1:1"]
    options = [word for setting in settings for word in ("--env", setting)]
    subprocess.run([DOCKER, "run", "--detach", "--name", name, *LIMITS, *options, image(role)], check=True)
    try:
        events: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while "waiting" not in events and time.monotonic() < deadline:
            time.sleep(0.2)  # between two looks at the log
            said = subprocess.run([DOCKER, "logs", name], capture_output=True, text=True, check=True)
            events = [json.loads(line)["event"] for line in (said.stdout + said.stderr).splitlines()]
        assert "waiting" in events
        subprocess.run([DOCKER, "stop", "--time=60", name], check=True)
        code = subprocess.run(
            [DOCKER, "inspect", "--format={{.State.ExitCode}}", name], capture_output=True, text=True, check=True
        )
        assert code.stdout.strip() == "0"
    finally:
        subprocess.run([DOCKER, "rm", "--force", name], check=True)


def test_a_wrong_setting_ends_the_role() -> None:
    """With 78, and with one sentence that names it."""
    done = run("worker", options=("--env", "PIXO_KAFKA_SECURITY_PROTOCOL=SASL_SSL"))

    assert done.returncode == 78
    assert done.stderr == "pixo-worker: SASL_SSL needs PIXO_KAFKA_SASL_USERNAME and PIXO_KAFKA_SASL_PASSWORD\n"


@pytest.fixture
def composed() -> Iterator[str]:
    """Give the URL of a Pixo that compose.yaml runs, with volumes of its own."""
    port = free_port()
    named = {f"PIXO_{role.upper()}_IMAGE": image(role) for role in ROLES}
    environ = {**os.environ, **named, "PIXO_PORT": str(port)}
    compose = [DOCKER, "compose", "--project-name", f"pixo-test-{token_hex(4)}", "--file", str(ROOT / "compose.yaml")]
    if subprocess.run([*compose, "version"], capture_output=True, check=False).returncode:
        pytest.fail("docker compose is not installed")
    try:
        subprocess.run([*compose, "up", "--detach", "--wait", "--no-build"], check=True, env=environ)
        yield f"http://localhost:{port}"
    finally:
        subprocess.run([*compose, "down", "--volumes"], check=True, env=environ)


def test_compose_filters_a_picture(composed: str) -> None:
    """A picture goes in and comes out inverted, to the pixel, through Kafka, Valkey and the S3 gateway."""
    y, x = np.mgrid[0:900, 0:1200]
    pixels = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    edge = token_hex(8)
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="filters"\r\n\r\ninvert\r\n'.encode(),
        f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="p.png"\r\n\r\n'.encode(),
        file.getvalue(),
        f"\r\n--{edge}--\r\n".encode(),
    ]
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{composed}/api/v1/jobs?wait=60",
        data=b"".join(parts),
        headers={"Content-Type": f"multipart/form-data; boundary={edge}"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - likewise
        job = json.load(answer)
    assert job["status"] == "done"
    with urllib.request.urlopen(composed + job["links"]["result"], timeout=PATIENCE) as answer:  # noqa: S310 - likewise
        result = np.asarray(Image.open(io.BytesIO(answer.read())))

    assert np.array_equal(result, 255 - pixels)
