"""Where `pixo` puts results."""

import time
from pathlib import Path

import pytest

from pixo.errors import ConfigError
from services.cli.targets import Targets, format_of, kept, named


def test_one_image_to_a_file(tmp_path):
    """One image goes to the file that is named."""
    assert Targets([Path("a.jpg")], tmp_path / "b.jpg").target(Path("a.jpg"), "jpeg") == tmp_path / "b.jpg"


def test_one_image_to_a_folder_that_is_there(tmp_path):
    """A folder that is there takes one image too, under its own name."""
    assert Targets([Path("a.jpg")], tmp_path).target(Path("a.jpg"), "jpeg") == tmp_path / "a.jpg"


def test_many_images_make_their_folder(tmp_path):
    """Many images go to a folder, which is made."""
    targets = Targets([Path("a.jpg"), Path("b.png")], tmp_path / "out")

    assert targets.target(Path("b.png"), "jpeg") == tmp_path / "out" / "b.jpg"
    assert (tmp_path / "out").is_dir()


def test_nothing_asked_for():
    """Without -o there is no file."""
    assert Targets([Path("a.jpg")], None).target(Path("a.jpg"), "jpeg") is None


def test_a_source_is_never_overwritten(tmp_path):
    """A result that would replace a source is refused, also in the source's folder."""
    source = tmp_path / "a.jpg"
    for out in (source, tmp_path):
        with pytest.raises(ConfigError, match="is a source"):
            Targets([source], out)


def test_the_format_tells_whether_a_source_is_meant(tmp_path):
    """In the source's folder a result of another format has a name of its own."""
    source = tmp_path / "a.jpg"
    assert Targets([source], tmp_path, kind="png").target(source, "png") == tmp_path / "a.png"
    with pytest.raises(ConfigError, match="is a source"):
        Targets([source, tmp_path / "b.png"], tmp_path, kind="png")


@pytest.mark.parametrize(
    ("start", "result"), [(b"\x89PNG\r\n\x1a\n", "a.png"), (b"GIF89a", "a.png"), (b"II*\0", "a.tif")]
)
def test_what_a_source_holds_tells_whether_it_is_meant(tmp_path, start, result):
    """A PNG that is named like a JPEG gives a PNG beside it, which is another file."""
    source = tmp_path / "a.jpg"
    source.write_bytes(start)
    assert Targets([source], tmp_path).target(source, kept(source)) == tmp_path / result
    source.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match="is a source"):
        Targets([source], tmp_path)


@pytest.mark.parametrize(
    ("sources", "out", "said"),
    [
        (["x/a.jpg", "y/a.png"], "out", "more than one image is named a"),
        (["a.jpg", "b.jpg"], "file", "several images need a folder"),
        (["a.jpg"], "none/b.jpg", "there is no folder"),
    ],
)
def test_impossible_targets_are_refused_at_once(tmp_path, sources, out, said):
    """What cannot work is said before anything is sent."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=said):
        Targets([Path(source) for source in sources], tmp_path / out)


@pytest.mark.parametrize(
    ("name", "kind", "result"),
    [("a.JPG", "jpeg", "a.JPG"), ("a.jpeg", "jpeg", "a.jpeg"), ("a.png", "jpeg", "a.jpg"), ("a", "tiff", "a.tif")],
)
def test_names_fit_the_format(name, kind, result):
    """The source's name is kept, with an ending that fits what is in it."""
    assert named(Path(name), kind) == result


def test_the_ending_asks_for_a_format():
    """An ending that is known says which format is wanted."""
    assert format_of(Path("x.JPEG")) == "jpeg"
    assert format_of(Path("x.webp")) == "webp"
    assert format_of(Path("x.what")) is None
    assert format_of(None) is None


@pytest.mark.parametrize("name", ["x.bmp", "x.gif", "x.avif", "x.jpgg"])
def test_an_ending_that_is_not_written_is_refused(tmp_path, name):
    """A JPEG in a file that is named otherwise would surprise whoever opens it; who names a format means it."""
    with pytest.raises(ConfigError, match="none of the formats jpeg, png, webp, tiff; choose one with --format"):
        Targets([Path("a.jpg")], tmp_path / name)
    assert Targets([Path("a.jpg")], tmp_path / name, kind="keep").target(Path("a.jpg"), "jpeg") == tmp_path / name
    assert Targets([Path("a.jpg")], tmp_path / "x").kind is None


def test_a_hundred_thousand_images_are_looked_through_at_once(tmp_path):
    """Time goes with their number, not with its square."""
    start = time.process_time()
    with pytest.raises(ConfigError, match="more than one image is named 7;"):
        Targets([Path(f"{n % 99_999}.jpg") for n in [*range(99_999), 7]], tmp_path / "out")
    assert time.process_time() - start < 20  # minutes otherwise


def test_a_folder_asks_for_no_format(tmp_path):
    """Whatever it is named."""
    (tmp_path / "x.png").mkdir()
    assert Targets([Path("a.jpg")], tmp_path / "x.png").kind is None
    assert Targets([Path("a.jpg")], tmp_path / "y.png").kind == "png"
