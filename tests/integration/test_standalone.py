"""`pixo up` for real: children killed one by one, all at once, two side by side, nothing left behind."""

import contextlib
import io
import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixo.imaging.apply import apply
from pixo.imaging.chain import parse
from pixo.imaging.limits import Limits
from pixo.imaging.planner import Request
from services.cli.__main__ import main
from services.cli.api import ENDED, Api
from services.standalone import address
from tests.up import PATIENCE, Up

CHAIN = "blur:sigma=3,grayscale"
KILLED = ("worker-1", "worker-2", "results", "monitor", "web", "valkey", "broker")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a picture that takes a moment."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    pixels = np.random.default_rng(1).integers(0, 256, (375, 500, 3), np.uint8)
    Image.fromarray(pixels).resize((4000, 3000)).save(path, quality=90)
    return path


@pytest.fixture(scope="module")
def expected(photo: Path) -> bytes:
    """Give the result's pixels as one process makes them."""
    parts: list[bytes] = []
    apply(photo, parse(CHAIN), Request(), Limits(), parts.append)
    return pixels(b"".join(parts))


def pixels(image: bytes) -> bytes:
    """Give the pixels of an image file."""
    with Image.open(io.BytesIO(image)) as opened:
        return opened.tobytes()


def submit(api: Api, photo: Path) -> str:
    """Submit the picture in many small tiles."""
    return str(api.submit(photo, {"filters": CHAIN, "tile_size": "300"})["id"])


def fetch(api: Api, id: str, folder: Path) -> bytes:
    """Wait for the job and give its result."""
    job = api.job(id)
    deadline = time.monotonic() + PATIENCE
    while job["status"] not in ENDED:
        assert time.monotonic() < deadline, job
        job = api.job(id, wait=5)
    assert job["status"] == "done", job
    target = folder / f"{id}.jpg"
    api.download(job, target)
    return target.read_bytes()


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Return whether the condition comes true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # between two looks
    return True


def gone(pids: list[int]) -> bool:
    """Tell whether none of the processes is left a few seconds later."""
    return until(lambda: not any(_alive(pid) for pid in pids), patience=5)


def test_every_child_may_be_killed(start: Callable[..., Up], photo: Path, expected: bytes, tmp_path: Path) -> None:
    """Each child in turn is killed with -9 during a job: it comes again, and every job ends with the same bytes."""
    up = start()
    with up.wait() as api:
        assert "2 workers" in up.line
        before = up.children()
        assert set(before) == set(KILLED)
        ids = []
        for name in KILLED:
            ids.append(submit(api, photo))
            os.kill(before[name], signal.SIGKILL)
            assert until(lambda: up.children().get(name, before[name]) != before[name]), name  # noqa: B023

        results = {fetch(api, id, tmp_path) for id in ids}
        assert len(results) == 1
        assert pixels(results.pop()) == expected
        pids = up.all()
        assert up.stop() == 0
    assert gone(pids)
    shown = up.errors.read_text()
    assert all(re.search(rf"child ended +child={name} exit='killed by SIGKILL'", shown) for name in KILLED)


def test_work_goes_on_after_all_were_killed(
    start: Callable[..., Up], photo: Path, expected: bytes, tmp_path: Path
) -> None:
    """After kill -9 of every process a new start ends the jobs; after that of the first one alone nothing is left."""
    up = start()
    with up.wait() as api:
        ids = [submit(api, photo), submit(api, photo)]
    for pid in (pids := up.all()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert gone(pids[1:])

    up = start()
    with up.wait() as api:
        one, two = (fetch(api, id, tmp_path) for id in ids)
        assert one == two
        assert pixels(one) == expected
    pids = up.all()
    up.process.kill()
    assert gone(pids[1:])


def test_two_live_side_by_side(
    start: Callable[..., Up], photo: Path, expected: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two instances work at once and end by themselves; one folder or one port cannot be had twice."""
    one, two = start("one"), start("two")
    with one.wait() as first, two.wait() as second:
        ids = submit(first, photo), submit(second, photo)
        results = fetch(first, ids[0], tmp_path), fetch(second, ids[1], tmp_path)
        assert results[0] == results[1]
        assert pixels(results[0]) == expected

        same = start("one")
        assert same.process.wait(PATIENCE) == 2
        assert "in use by another pixo up" in same.errors.read_text()
        port = re.search(r":(\d+)", one.line)
        assert port
        taken = start("three", f"--port={port.group(1)}")
        assert taken.process.wait(PATIENCE) == 2
        assert "choose another with --port" in taken.errors.read_text()

        assert main(["dead-letters", "--json", f"--data={tmp_path / 'one'}"]) == 0
        assert json.loads(capsys.readouterr().out) == {"letters": []}

        pids = one.all()
        one.process.terminate()
        assert one.process.wait(PATIENCE) == 0
        assert gone(pids)
        assert not (tmp_path / "one" / address.FILE).exists()
        assert second.get("workers")["workers"]
    pids = two.all()
    assert two.stop() == 0
    assert gone(pids)


def test_the_command_line_takes_pictures_through(
    start: Callable[..., Up], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command that talks to a server works with a real one, in a folder with blanks in its name too."""
    up = start("some data")
    with up.wait() as api:
        server = ["--server", api.url("")]
        copy = tmp_path / "copy.jpg"
        copy.write_bytes(photo.read_bytes())

        assert main(["submit", str(photo), str(copy), "-o", str(tmp_path / "out"), *server]) == 0
        assert pixels((tmp_path / "out/photo.jpg").read_bytes()) == pixels((tmp_path / "out/copy.jpg").read_bytes())
        bad = tmp_path / "bad.jpg"
        bad.write_text("no image")
        assert main(["submit", str(bad), str(photo), *server]) == 1
        assert "bad.jpg: This is not an image" in capsys.readouterr().err
        assert main(["demo", "--megapixels", "0.5", "-o", str(tmp_path / "demo.jpg"), *server]) == 0
        with Image.open(tmp_path / "demo.jpg") as demo:
            assert demo.mode == "L"

        capsys.readouterr()
        assert main(["workers", "--json", *server]) == 0
        assert len(json.loads(capsys.readouterr().out)["workers"]) == 2
        assert main(["jobs", "--json", "--status=done", *server]) == 0
        jobs = json.loads(capsys.readouterr().out)["jobs"]
        assert {job["filename"] for job in jobs} == {"photo.jpg", "copy.jpg", "demo.jpg"}
        assert main(["watch", jobs[0]["id"], *server]) == 0
        assert main(["jobs", *server]) == main(["workers", *server]) == main(["filters", *server]) == 0
        assert "photo.jpg" in capsys.readouterr().out
    assert up.stop() == 0


def _alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
