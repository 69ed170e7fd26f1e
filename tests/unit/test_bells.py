"""Bells: sockets in a folder."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pixo.broker.bells import Bells, _near


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that is not there yet, with a path longer than a socket's may be."""
    return tmp_path / ("long" * 30) / "new"


@pytest.fixture
def bells(folder: Path) -> Bells:
    """Give the bells of the folder."""
    return Bells(folder)


def test_rings_at_every_consumer_of_the_topic_and_at_no_other(bells):
    """A topic whose name another one begins with is another one."""
    tasks = [bells.listen("a.tasks"), bells.listen("a.tasks")]
    others = [bells.listen("a.tasks.dlq"), bells.listen("tasks")]
    bells.ring("a.tasks", 3, 70)
    assert [bell.heard(0) for bell in tasks] == [{3: 70}, {3: 70}]
    assert [bell.heard(0) for bell in others] == [{}, {}]
    assert [bell.heard(0) for bell in tasks] == [{}, {}]
    for bell in tasks + others:
        bell.close()


def test_of_some_rings_the_newest_of_each_partition_counts(bells):
    """Whoever gets that record has the older ones."""
    bell = bells.listen("tasks")
    for partition, offset in [(0, 5), (1, 9), (0, 7), (0, 6)]:
        bells.ring("tasks", partition, offset)
    assert bell.heard(0) == {0: 7, 1: 9}
    bell.close()


def test_of_many_rings_some_may_be_lost(bells):
    """A bell that nobody listens to gets full and keeps nobody waiting; whoever listens knows that it may have been."""
    bell = bells.listen("tasks")
    for offset in range(1000):
        bells.ring("tasks", 0, offset)
    assert bell.heard(0) is None
    assert bell.heard(0) == {}
    bells.ring("tasks", 0, 1000)
    assert bell.heard(0) == {0: 1000}
    bell.close()


def test_many_that_do_not_listen_keep_no_ring_from_one_that_does(bells):
    """Consumers at work for long are full of rings; where each may keep hundreds, two are enough to fill a sender."""
    busy = [bells.listen("tasks") for _ in range(60)]
    bell = bells.listen("tasks")
    for offset in range(20):
        bells.ring("tasks", 0, offset)
        assert bell.heard(0) == {0: offset}
    for one in [bell, *busy]:
        one.close()


def test_a_strange_ring_may_be_for_anything(bells, folder):
    """Whoever sends it."""
    bell = bells.listen("tasks")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger, _near(folder) as near:
        for ring in (b"", b"!", b"1", b"1 2 3"):
            stranger.sendto(ring, str(near / os.listdir(near)[0]))  # noqa: PTH208 - as short as sockets want it
            assert bell.heard(0) is None
            assert bell.heard(0) == {}
    bell.close()


def test_what_a_killed_consumer_left_is_removed(bells, folder):
    """Its socket is still there, and nobody reads it."""
    bell = bells.listen("tasks")
    bell._socket.close()
    assert len(list(folder.iterdir())) == 1
    bells.ring("tasks", 0, 1)
    assert not list(folder.iterdir())


def test_a_closed_bell_leaves_nothing(bells, folder):
    """Producers may be there before any consumer, and after the last, and after the folder."""
    bells.ring("tasks", 0, 1)
    bells.listen("tasks").close()
    assert not list(folder.iterdir())
    bells.ring("tasks", 0, 1)
    folder.rmdir()
    bells.ring("tasks", 0, 1)


def test_junk_in_the_folder_keeps_no_ring_from_the_others(bells, folder, monkeypatch):
    """Whatever has the name of a bell: a folder, a file, a socket of another kind, one too long for sockets."""
    bell = bells.listen("tasks")
    Path(folder, "tasks.0", "full").mkdir(parents=True)
    Path(folder, "tasks.1").touch()
    Path(folder, f"tasks.{'0' * 100}").touch()
    with socket.socket(socket.AF_UNIX) as stream:
        monkeypatch.chdir(folder)  # whose path is too long
        stream.bind("tasks.2")
        bells.ring("tasks", 0, 1)
    assert bell.heard(0) == {0: 1}
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
    bells.ring("tasks", 0, 1)
    assert bell.heard(0) is None
    assert bell.heard(0) == {}
    bells.ring("tasks", 0, 2)
    assert bell.heard(0) == {0: 2}
    bell.close()
    assert not list(folder.iterdir())


def test_without_a_place_a_bell_rings_all_the_time(bells, folder):
    """Its consumer does not sleep then; rings fail nobody, and the place is taken when there is one."""
    folder.parent.mkdir()
    folder.write_text("no folder")
    bell = bells.listen("tasks")
    bells.ring("tasks", 0, 1)
    assert [bell.heard(5) for _ in range(3)] == [None] * 3
    folder.unlink()
    assert bell.heard(0) is None
    assert bell.heard(0) == {}
    bells.ring("tasks", 0, 2)
    assert bell.heard(0) == {0: 2}
    bell.close()
    bell.close()
