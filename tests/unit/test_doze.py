"""When a consumer sleeps, and what wakes it."""

import pytest

from pixo.broker.doze import Doze


class Bell:
    """A bell that the test rings, and by whose waits the time passes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rung: dict[int, int] | None = {}
        self.closed = False

    def heard(self, timeout: float) -> dict[int, int] | None:
        """Pass the time, if it has not rung."""
        rung, self.rung = self.rung, {}
        self.now += timeout if rung == {} else 0
        return rung

    def close(self) -> None:
        """Take note."""
        self.closed = True


@pytest.fixture
def bell() -> Bell:
    """Give a bell that has not rung."""
    return Bell()


@pytest.fixture
def following() -> dict[int, int]:
    """Give what the consumer holds: two partitions, of which it has met some records."""
    return {0: 10, 1: 20}


@pytest.fixture
def doze(bell: Bell, following: dict[int, int]) -> Doze:
    """Give one that sleeps."""
    doze = Doze(bell, following.get, lambda: bell.now, quiet=1.0, alert=3.0, look=5.0, patience=20.0)
    bell.now += 3.0
    assert doze.tired()
    return doze


def test_a_ring_wakes_until_its_record_is_there_and_no_longer(bell, doze, following):
    """On a busy machine a fetch takes its time; once it has brought what there was, the next one would be in vain."""
    assert not doze.woken(0.2)
    assert doze.asleep
    before, bell.rung = bell.now, {0: 11}
    assert doze.woken(0.2)
    assert not doze.asleep
    assert bell.now == before
    assert doze.left() == pytest.approx(20.0)
    following[0] = 11
    doze.met()
    assert not doze.tired()
    bell.now += 1.5
    following[0] = 12
    doze.met()
    assert doze.tired()
    assert doze.asleep


def test_each_partition_that_rang_is_waited_for(bell, doze, following):
    """One fetch may bring the records of one only."""
    bell.rung = {0: 10, 1: 20}
    assert doze.woken(0.2)
    following[1] = 21
    assert not doze.tired()
    following[0] = 11
    assert doze.tired()


def test_a_record_that_does_not_come_is_given_up(bell, doze):
    """The broker has it: whoever watches the consumer has had time to find that it is not read."""
    bell.rung = {0: 10}
    assert doze.woken(0.2)
    bell.now += 19.9
    assert not doze.tired()
    bell.now += 0.2
    assert doze.tired()


def test_a_ring_that_comes_before_sleep_keeps_awake(bell, doze, following):
    """What rang between the last fetch and now is for a record that is still to come."""
    bell.rung = {0: 10}
    assert doze.woken(0.2)
    following[0] = 11
    doze.met()
    bell.rung = {0: 11}
    assert not doze.tired()
    following[0] = 12
    assert doze.tired()


@pytest.mark.parametrize("ring", [{0: 9}, {0: 3}, {2: 0}, {2: 100}])
def test_a_ring_that_is_nothing_new_wakes_nobody(bell, doze, ring):
    """It may come after its record; and all consumers of a topic hear it, whoever holds the partition."""
    doze.met()
    bell.rung = ring
    assert not doze.woken(0.2)
    assert doze.asleep


def test_a_ring_from_the_past_is_of_a_topic_made_anew(bell, doze):
    """If no record came for so long, it is not late: offsets count from 0 again."""
    doze.met()
    bell.now += 3.5
    bell.rung = {0: 0}
    assert doze.woken(0.2)
    assert doze.left() == pytest.approx(3.0)


def test_what_may_be_for_anything_wakes_for_a_while(bell, doze):
    """Nobody knows what to wait for then."""
    bell.rung = None
    assert doze.woken(0.2)
    assert doze.left() == pytest.approx(3.0)
    bell.now += 2.9
    assert not doze.tired()
    bell.now += 0.2
    assert doze.tired()


def test_records_that_follow_each_other_closely_keep_awake(bell, doze, following):
    """To fetch all the time is less work then, and brings several at once."""
    bell.rung = {0: 11}
    assert doze.woken(0.2)
    for following[0] in (11, 12):
        bell.now += 0.005
        doze.met()
    assert not doze.tired()
    assert doze.left() == pytest.approx(1.0)
    bell.now += 1.1
    assert doze.tired()


def test_a_new_assignment_is_as_good_as_a_ring(bell, doze, following):
    """What it holds may be full, and whoever begins has to ask first where."""
    assert Doze(bell, following.get, lambda: bell.now, alert=3.0).left() == pytest.approx(3.0)
    doze.expect()
    assert not doze.asleep
    assert doze.left() == pytest.approx(3.0)


def test_what_is_taken_away_is_not_waited_for(bell, doze, following):
    """Its next holder gets it."""
    bell.rung = {0: 10}
    assert doze.woken(0.2)
    del following[0]
    assert doze.tired()


def test_without_a_ring_it_looks_now_and_then(bell, doze):
    """A ring that was lost costs this much, and the wait that it falls into is cut short."""
    began, waits = bell.now, 0
    while not doze.woken(0.3):
        waits += 1
    assert bell.now - began == pytest.approx(5.0)
    assert waits == 16
    assert doze.left() == pytest.approx(1.0)
