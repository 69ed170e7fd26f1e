"""Bells: sockets in a folder."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixo.broker.bells import Bells


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that is not there yet, with a path longer than a socket's may be."""
    return tmp_path / ("long" * 30) / "new"


@pytest.fixture
def bells(folder: Path) -> Iterator[Bells]:
    """Give the bells of the folder."""
    bells = Bells(folder)
    yield bells
    bells.close()


def test_rings_at_every_consumer_of_the_topic_and_at_no_other(bells):
    """A topic whose name another one begins with is another one."""
    tasks = [bells.listen("a.tasks"), bells.listen("a.tasks")]
    others = [bells.listen("a.tasks.dlq"), bells.listen("tasks")]
    bells.ring("a.tasks")
    assert [bell.heard(0) for bell in tasks] == [True, True]
    assert [bell.heard(0) for bell in others] == [False, False]
    assert [bell.heard(0) for bell in tasks] == [False, False]
    for bell in tasks + others:
        bell.close()


def test_many_rings_are_one(bells):
    """A bell that nobody listens to gets full and keeps nobody waiting."""
    bell = bells.listen("tasks")
    for _ in range(1000):
        bells.ring("tasks")
    assert bell.heard(0)
    assert not bell.heard(0)
    bell.close()


def test_what_a_killed_consumer_left_is_removed(bells, folder):
    """Its socket is still there, and nobody reads it."""
    bell = bells.listen("tasks")
    bell._socket.close()
    assert len(list(folder.iterdir())) == 1
    bells.ring("tasks")
    assert not list(folder.iterdir())


def test_a_closed_bell_leaves_nothing(bells, folder):
    """Producers may be there before any consumer, and after the last, and after the folder."""
    bells.ring("tasks")
    bells.listen("tasks").close()
    assert not list(folder.iterdir())
    bells.ring("tasks")
    folder.rmdir()
    bells.ring("tasks")


def test_junk_in_the_folder_keeps_no_ring_from_the_others(bells, folder, monkeypatch):
    """Whatever has the name of a bell: a folder, a file, a socket of another kind, one too long for sockets."""
    bell = bells.listen("tasks")
    Path(folder, "tasks.0", "full").mkdir(parents=True)
    Path(folder, "tasks.1").touch()
    Path(folder, f"tasks.{'0' * 100}").touch()
    with socket.socket(socket.AF_UNIX) as stream:
        monkeypatch.chdir(folder)  # whose path is too long
        stream.bind("tasks.2")
        bells.ring("tasks")
    assert bell.heard(0)
    bell.close()


def no_folder(folder: Path) -> None:
    """Leave nothing."""
    shutil.rmtree(folder)


def empty(folder: Path) -> None:
    """Leave the folder."""
    for bell in folder.iterdir():
        bell.unlink()


@pytest.mark.parametrize("remove", [no_folder, empty])
def test_a_bell_that_was_removed_is_hung_anew(bells, folder, remove: Callable[[Path], None]):
    """What rang meanwhile counts as heard."""
    bell = bells.listen("tasks")
    remove(folder)
    bells.ring("tasks")
    assert bell.heard(0)
    assert not bell.heard(0)
    bells.ring("tasks")
    assert bell.heard(0)
    bell.close()
    assert not list(folder.iterdir())


def test_without_a_place_a_bell_rings_all_the_time(bells, folder):
    """Its consumer does not sleep then; rings fail nobody, and the place is taken when there is one."""
    folder.parent.mkdir()
    folder.write_text("no folder")
    bell = bells.listen("tasks")
    bells.ring("tasks")
    assert [bell.heard(5) for _ in range(3)] == [True] * 3
    folder.unlink()
    assert bell.heard(0)
    assert not bell.heard(0)
    bells.ring("tasks")
    assert bell.heard(0)
    bell.close()
    bell.close()
