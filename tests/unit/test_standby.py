"""The watch over a member that holds nothing: whom it asks, when, and what it makes of the answer."""

import pytest

from pixo.broker.standby import Standby
from pixo.errors import Fatal, TryAgain
from tests.clock import Clock


class Group:
    """A group that is asked; ``told`` is its answer, or what it raises."""

    def __init__(self) -> None:
        self.asked = 0
        self.told: dict[str, set[int]] | Exception = {}

    def __call__(self) -> dict[str, set[int]]:
        """Give the answer."""
        self.asked += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


@pytest.fixture
def group() -> Group:
    """Give a group."""
    return Group()


@pytest.fixture
def standby(clock: Clock, group: Group) -> Standby:
    """Give the watch of a member that has just begun to hold nothing."""
    standby = Standby(group, clock, patience=30)
    standby.look("me", {0})
    standby.look("me", ())
    return standby


def later(standby: Standby, clock: Clock, *seconds: float) -> None:
    """Look after each of these times."""
    for each in seconds:
        clock.now += each
        standby.look("me", ())


@pytest.mark.parametrize("told", [{"me": set()}, {"me": set(), "you": set()}, {"me": {0, 1}, "you": set()}])
def test_where_nobody_holds_anything_the_process_ends(standby, clock, group, told) -> None:
    """Also where the group says that this member does; for as long as it may take until all have heard of a topic."""
    group.told = told
    later(standby, clock, 29, 1, 25)
    assert group.asked == 2
    with pytest.raises(Fatal, match="nobody of the group has held any partition for 30 s"):
        later(standby, clock, 5)


@pytest.mark.parametrize("told", [{"me": set(), "you": {0}}, {}, {"you": set()}, TryAgain("kafka", "away")])
def test_others_work_is_no_trouble_nor_is_a_group_that_does_not_say(standby, clock, group, told) -> None:
    """It is asked once in a while."""
    group.told = told
    later(standby, clock, 30, 5, 5, 20, 5)
    assert group.asked == 2


def test_a_doubt_is_forgotten(standby, clock, group) -> None:
    """By an answer that is otherwise, or when something is held."""
    group.told = {"me": set()}
    later(standby, clock, 30, 25)
    group.told = {"me": set(), "you": {0}}
    later(standby, clock, 5)
    group.told = {"me": set()}
    later(standby, clock, 30, 25)
    standby.look("me", {3})
    later(standby, clock, 5, 30, 25)
    assert group.asked == 7
