"""Room for one more job: who is sent away is told when to come again, by the plans of what waits."""

from types import SimpleNamespace

import pytest

from pixo.errors import Refusal
from pixo.state.records import Job
from services.web.room import LONGEST, NOBODY, Room
from tests.plans import striped


class Queue:
    """Some jobs that wait, each of so many seconds, and some workers."""

    def __init__(self, waiting, seconds, workers):
        self.count = waiting
        self.seconds = seconds
        self.live = workers
        self.now = 50.0

    def waiting(self):
        """Give how many wait."""
        return self.count

    def first(self, count):
        """Give the first ones."""
        return [str(n) for n in range(min(count, self.count))]

    def read_many(self, ids):
        """Give the jobs."""
        return [Job(id=id, status="queued", gen=1, plan=striped(40, seconds=self.seconds)) for id in ids]

    def workers(self):
        """Give the live workers."""
        return [None] * self.live

    def room(self, most):
        """Give a room of so many places."""
        return Room(SimpleNamespace(queue=self, jobs=self), self, most, clock=lambda: self.now)


def told(room):
    """Give the seconds that one who is sent away is told to wait."""
    with pytest.raises(Refusal) as caught:
        room.require()
    assert caught.value.kind == "too-many-waiting"
    return caught.value.again


def test_there_is_room_up_to_the_limit():
    """One less than the limit waits: come in."""
    Queue(9, seconds=1.0, workers=1).room(10).require()


@pytest.mark.parametrize(
    ("waiting", "seconds", "workers", "again"),
    [(10, 6.0, 2, 3), (10, 0.01, 4, 1), (14, 6.0, 2, 15), (10, 1e6, 1, LONGEST), (10, 6.0, 0, NOBODY)],
)
def test_the_time_follows_from_plans_and_workers(waiting, seconds, workers, again):
    """Seconds of the jobs that must leave first, shared by the workers; bounded; a minute when nobody works."""
    assert told(Queue(waiting, seconds, workers).room(10)) == again


def test_each_is_told_its_own_time():
    """Those who come together are sent back one after the other; when their time has passed it starts anew."""
    queue = Queue(10, seconds=6.0, workers=2)
    room = queue.room(10)

    assert [told(room) for _ in range(3)] == [3, 6, 9]
    queue.now += 100
    assert told(room) == 3


def test_one_who_does_not_wait_sends_nobody_far_away():
    """However often somebody asks: the next is told at most what one more queue takes."""
    room = Queue(10, seconds=6.0, workers=2).room(10)

    assert max(told(room) for _ in range(100)) == 3 + 3 * 10
