"""When the monitor adds partitions to `tasks`, and how many."""

import pytest

from pixo import topics
from pixo.broker import Admin
from pixo.broker.memory import MemoryBroker
from pixo.settings import Kafka
from services.monitor.growth import SETTLED, Growth
from tests.clock import Clock

SETTINGS = Kafka(tasks_partitions=4)


@pytest.fixture
def admin() -> Admin:
    """Give a broker's admin, with topics as the settings cut them."""
    admin = MemoryBroker().admin()
    admin.ensure(topics.specs(SETTINGS))
    return admin


def growth(admin: Admin, clock: Clock, most: int) -> Growth:
    """Give what is tested, for the topic `tasks`."""
    return Growth(admin, topics.specs(SETTINGS)[0], most, clock)


def look(growing: Growth, admin: Admin, workers: int) -> int:
    """Look once, and give the partitions afterwards."""
    growing.look(workers, admin.partitions("tasks"))
    return admin.partitions("tasks")


def test_more_workers_than_partitions_for_a_while(admin: Admin, clock: Clock) -> None:
    """The topic gets a partition for each worker once they have lived for half a minute, not before."""
    growing = growth(admin, clock, most=12)

    assert look(growing, admin, 7) == 4
    clock.now += SETTLED - 1
    assert look(growing, admin, 7) == 4
    clock.now += 1
    assert look(growing, admin, 7) == 7


def test_the_setting_bounds_it(admin: Admin, clock: Clock) -> None:
    """There are never more partitions than the setting says, and none are added when it says nought."""
    for most, expected in ((0, 4), (6, 6)):
        growing = growth(admin, clock, most)
        look(growing, admin, 40)
        clock.now += SETTLED

        assert look(growing, admin, 40) == expected


def test_a_peak_does_not_count(admin: Admin, clock: Clock) -> None:
    """The fewest workers of the while count: those of a rollout are there twice for some seconds."""
    growing = growth(admin, clock, most=12)
    for workers in (8, 6, 9):
        look(growing, admin, workers)
        clock.now += SETTLED / 2

    assert look(growing, admin, 9) == 6


def test_the_while_begins_anew(admin: Admin, clock: Clock) -> None:
    """Workers that were no more than the partitions in between start the while over."""
    growing = growth(admin, clock, most=12)
    for workers in (8, 4, 8):
        look(growing, admin, workers)
        clock.now += SETTLED / 2

    assert look(growing, admin, 8) == 4
