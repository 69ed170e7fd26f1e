"""Bells: sockets in a folder."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pixo.broker.bells import Bells
from pixo.broker.kafka import KafkaBroker
from pixo.settings import Kafka


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


def test_who_cannot_be_reached_silences_nobody(bells, folder):
    """A producer's only thread rings: what is in the folder must not end it, nor keep the rings from others."""
    bell = bells.listen("tasks")
    (folder / f"tasks.{'0' * 100}").touch()  # no socket can be called so
    (folder / f"tasks.{'f' * 100}").touch()
    bells.ring("tasks")
    assert bell.heard(0)
    bell.close()


def test_a_topic_with_too_long_a_name_has_no_bell(folder):
    """Its consumer fetches all the time."""
    with closing(KafkaBroker(Kafka(kafka_bells=str(folder), kafka_profile="embedded"), "test")) as broker:
        assert broker.consumer("group", f"{'long-' * 20}tasks")._doze is None
        assert broker.consumer("group", "tasks")._doze is not None
    assert not list(folder.iterdir())


def test_a_broker_without_a_folder_for_bells_has_none(tmp_path, caplog):
    """It says so, and its consumers fetch all the time."""
    (tmp_path / "file").touch()
    with closing(KafkaBroker(Kafka(kafka_bells=str(tmp_path / "file" / "bells")), "test")) as broker:
        assert broker.consumer("group", "tasks")._doze is None
    assert "no bells" in caplog.text
