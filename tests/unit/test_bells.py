"""Bells: sockets in a folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixo.broker.bells import Bells
from pixo.broker.kafka import KafkaBroker
from pixo.settings import Kafka


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that is not there yet, with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="bells-") as parent:
        yield Path(parent, "new")


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


def test_a_closed_bell_leaves_nothing_and_a_missing_folder_is_nobody(bells, folder):
    """Producers may be there before any consumer."""
    bells.ring("tasks")
    bells.listen("tasks").close()
    assert not list(folder.iterdir())
    bells.ring("tasks")


def test_who_cannot_be_reached_silences_nobody(bells, folder):
    """A producer's only thread rings: what is in the folder must not end it, nor keep the rings from others."""
    bell = bells.listen("tasks")
    (folder / f"tasks.{'0' * 100}").touch()  # no socket can be called so
    (folder / f"tasks.{'f' * 100}").touch()
    bells.ring("tasks")
    assert bell.heard(0)
    bell.close()


def test_a_consumer_without_a_bell_never_sleeps(folder):
    """Sockets' paths are short, names of topics need not be."""
    broker = KafkaBroker(Kafka(kafka_bells=str(folder), kafka_profile="embedded"), "test")
    topic = f"{'long-' * 20}tasks"
    assert broker.consumer("group", topic)._doze is None
    assert broker.consumer("group", "tasks")._doze is not None
    broker.close()
    assert not list(folder.iterdir())
