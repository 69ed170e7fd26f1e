"""A worker knows how busy it is, and ends itself when a tile hangs."""

import pytest

from services.worker.activity import Activity
from services.worker.watchdog import STUCK, Watchdog
from tests.clock import Clock


def test_busy_is_a_share_of_the_time():
    """Since the last question, a tile in hand included."""
    clock = Clock()
    activity = Activity(clock)
    with activity.tile():
        clock.now += 1
    clock.now += 3
    assert activity.share() == pytest.approx(0.25)
    with activity.tile():
        clock.now += 2
        assert activity.share() == pytest.approx(1.0)
    assert activity.share() == 0.0
    assert activity.tiles == 2


def test_a_tile_that_hangs_ends_the_process():
    """Only past the limit, however often somebody asked how busy it is."""
    clock = Clock()
    activity = Activity(clock)
    codes, rests = [], []
    dog = Watchdog(activity, 120.0, rest=lambda: rests.append(1), exit_hard=codes.append)
    with activity.tile():
        clock.now += 100
        activity.share()
        dog.look()
        assert not codes
        clock.now += 21
        dog.look()
    dog.look()
    assert codes == [STUCK]
    assert len(rests) == 2
