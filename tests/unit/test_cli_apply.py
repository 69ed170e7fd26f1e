"""`pixo apply`, `pixo filters` and the demo's painting: what needs no server."""

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.cli.__main__ import main
from services.cli.painting import ROWS, Painting

WHERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def photo(tmp_path):
    """Give a small JPEG."""
    path = tmp_path / "photo.jpg"
    Image.linear_gradient("L").convert("RGB").save(path)
    return path


def test_apply_writes_the_result(photo, tmp_path):
    """The result is the filtered image, and nothing else is left in the folder."""
    assert main(["apply", str(photo), "-o", str(tmp_path / "out.jpg"), "--filters", "grayscale"]) == 0

    with Image.open(tmp_path / "out.jpg") as result:
        assert (result.format, result.mode, result.size) == ("JPEG", "L", (256, 256))
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "out.jpg"}


def test_what_is_no_file_is_written_to(photo, tmp_path):
    """A pipe or a device stays one, and of a link what it names is replaced: -o /dev/null must not be the end of it."""
    pipe, real, link = tmp_path / "pipe", tmp_path / "real.png", tmp_path / "link.png"
    os.mkfifo(pipe)
    real.write_bytes(b"old")
    link.symlink_to(real)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert main(["apply", str(photo), "-o", str(pipe), "--format", "png"]) == 0
        assert read.result(10).startswith(b"\x89PNG")
    assert pipe.is_fifo()
    assert main(["apply", str(photo), "-o", str(link)]) == 0
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\x89PNG")


def test_a_name_as_long_as_names_can_be(photo, tmp_path):
    """The file that grows beside the target has a short name of its own."""
    assert main(["apply", str(photo), "-o", str(tmp_path / f"{'n' * 251}.png")]) == 0


def test_a_filter_of_a_pipe(photo, tmp_path):
    """`-` is standard input and output, and the bytes are those that files give; a file of that name is ./-."""
    command = [sys.executable, "-m", "services.cli", "apply"]
    with photo.open("rb") as file:
        done = subprocess.run(
            [*command, "-", "-o", "-", "--format", "png"], stdin=file, capture_output=True, check=True
        )
    assert main(["apply", str(photo), "-o", str(tmp_path / "out.png")]) == 0
    assert done.stdout == (tmp_path / "out.png").read_bytes()
    assert done.stderr == b""

    (tmp_path / "-").write_bytes(photo.read_bytes())
    subprocess.run([*command, "./-", "-o", "out.jpg"], cwd=tmp_path, env=WHERE, check=True)
    assert (tmp_path / "out.jpg").is_file()


def test_what_is_no_image_gives_a_pipe_nothing():
    """The exit code says so, and the next in the pipe gets no half of an image."""
    command = [sys.executable, "-m", "services.cli", "apply", "-", "-o", "-"]
    done = subprocess.run(command, input=b"no image", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"supported format" in done.stderr


@pytest.mark.parametrize(("quality", "kind"), [([], "VP8L"), (["--quality", "85"], "VP8 ")])
def test_a_lossless_webp_stays_lossless_without_a_quality(tmp_path, quality, kind):
    """By the ending as by `keep`: not a pixel is lost, unless it is asked for."""
    pixels = np.random.default_rng(5).integers(0, 256, (30, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.webp", lossless=True)
    out = tmp_path / "out.webp"
    assert main(["apply", str(tmp_path / "in.webp"), "-o", str(out), "--filters", "invert", *quality]) == 0

    assert out.read_bytes()[12:16].decode() == kind
    assert np.array_equal(np.asarray(Image.open(out)), 255 - pixels) == (kind == "VP8L")


def test_the_ending_chooses_the_format(photo, tmp_path):
    """-o result.png makes a PNG out of a JPEG."""
    assert main(["apply", str(photo), "-o", str(tmp_path / "out.png"), "--filters", "invert"]) == 0

    with Image.open(tmp_path / "out.png") as result:
        assert result.format == "PNG"


@pytest.mark.parametrize(("options", "name"), [([], "photo.jpg"), (["--format", "png"], "photo.png")])
def test_apply_to_a_folder(photo, tmp_path, options, name):
    """The result has the source's name, with an ending that fits what is in it."""
    (tmp_path / "out").mkdir()
    for out in (str(tmp_path / "out"), f"{tmp_path}/new/"):
        assert main(["apply", str(photo), "-o", out, *options]) == 0
        assert [path.name for path in Path(out).iterdir()] == [name]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--filters", "blurr"], 1, "unknown filter 'blurr'"),
        (["--quality", "101"], 2, "--quality 101: must be a whole number from 1 to 100"),
        (["--background", "red"], 2, "--background red: must be a colour like #ffffff"),
    ],
)
def test_apply_refuses_in_one_line(photo, tmp_path, capsys, options, code, said):
    """A wrong chain or option is one line, and no file is written."""
    assert main(["apply", str(photo), "-o", str(tmp_path / "out.jpg"), *options]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "out.jpg").exists()


def test_what_fits_into_no_tile_is_refused(photo, tmp_path, capsys, monkeypatch):
    """As by the service: what, how much, the limit and the setting, and nothing is written."""
    monkeypatch.setenv("PIXO_MAX_TILE_BYTES", "100000")
    assert main(["apply", str(photo), "-o", str(tmp_path / "out.jpg"), "--filters", "blur:sigma=50"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "one tile of the image needs" in line
    assert "at most 100,000" in line
    assert "PIXO_MAX_TILE_BYTES" in line
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_what_is_no_image_is_refused(tmp_path, capsys):
    """A text file is refused by its content, and nothing is left behind."""
    text = tmp_path / "text.jpg"
    text.write_text("no image")

    assert main(["apply", str(text), "-o", str(tmp_path / "out.jpg")]) == 1
    assert "supported format" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["text.jpg"]


def test_filters_are_listed(capsys):
    """The catalogue is there as a table and as JSON."""
    assert main(["filters"]) == 0
    assert "blur" in capsys.readouterr().out
    assert main(["filters", "--json"]) == 0
    names = {one["name"] for one in json.loads(capsys.readouterr().out)["filters"]}
    assert {"grayscale", "blur"} <= names


def test_the_painting_is_a_picture():
    """The painting is a JPEG of the size asked for, the same each time, neither flat nor pure noise."""
    files = []
    for _ in range(2):
        file = io.BytesIO()
        Painting(320, 2 * ROWS + 5).write(file.write)
        files.append(file.getvalue())
    assert files[0] == files[1]

    with Image.open(io.BytesIO(files[0])) as picture:
        assert picture.size == (320, 2 * ROWS + 5)
        pixels = np.asarray(picture, np.float32)
    assert pixels.std() > 30
    assert pixels[:ROWS, :, 2].mean() > pixels[-ROWS:, :, 2].mean() + 40  # the sky is bluer than the woods
