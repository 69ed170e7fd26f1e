"""When a consumer sleeps, and what wakes it."""

import pytest

from pixo.broker.doze import Doze


class Bell:
    """A bell that the test rings, and by whose waits the time passes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rung = False
        self.closed = False

    def heard(self, timeout: float) -> bool:
        """Pass the time, if it has not rung."""
        rung, self.rung = self.rung, False
        self.now += 0 if rung else timeout
        return rung

    def close(self) -> None:
        """Take note."""
        self.closed = True


@pytest.fixture
def bell() -> Bell:
    """Give a bell that has not rung."""
    return Bell()


@pytest.fixture
def doze(bell: Bell) -> Doze:
    """Give one that has been awake long enough to sleep after any quiet while."""
    doze = Doze(bell, lambda: bell.now, quiet=1.0, alert=3.0, look=5.0)
    bell.now += 3.0
    doze.stir()
    return doze


def test_sleeps_after_a_quiet_while_and_not_before(bell, doze):
    """What is left of the while is how long to wait for a record."""
    bell.now += 0.5
    assert doze.left() == pytest.approx(0.5)
    assert not doze.tired()
    bell.now += 0.6
    assert doze.left() == 0
    assert doze.tired()
    assert doze.asleep


def test_a_record_begins_the_while_anew(bell, doze):
    """A consumer that gets records does not sleep."""
    for _ in range(5):
        bell.now += 0.9
        doze.stir()
        assert not doze.tired()


def test_a_ring_ahead_of_its_record_keeps_awake(bell, doze):
    """What rang between the last fetch and now is for a record that is still to come."""
    bell.now += 1.5
    bell.rung = True
    assert not doze.tired()
    assert doze.left() == pytest.approx(3.0)
    bell.now += 3.5
    assert doze.tired()


def test_a_ring_wakes_at_once(bell, doze):
    """And for longer: on a busy machine a fetch takes its time, and there is something to fetch."""
    bell.now += 2
    assert doze.tired()
    assert not doze.woken(0.2)
    assert doze.asleep
    before, bell.rung = bell.now, True
    assert doze.woken(0.2)
    assert not doze.asleep
    assert bell.now == before
    assert doze.left() == pytest.approx(3.0)
    doze.stir()
    assert doze.left() == pytest.approx(3.0)


def test_a_new_assignment_is_as_good_as_a_ring(bell, doze):
    """What it holds may be full, and whoever begins has to ask first where."""
    assert Doze(bell, lambda: bell.now, alert=3.0).left() == pytest.approx(3.0)
    bell.now += 2
    assert doze.tired()
    doze.expect()
    assert not doze.asleep
    assert doze.left() == pytest.approx(3.0)


def test_without_a_ring_it_looks_now_and_then(bell, doze):
    """A ring that was lost costs this much, and the wait that it falls into is cut short."""
    bell.now += 2
    assert doze.tired()
    began, waits = bell.now, 0
    while not doze.woken(0.3):
        waits += 1
    assert bell.now - began == pytest.approx(5.0)
    assert waits == 16
    assert doze.left() == pytest.approx(1.0)
