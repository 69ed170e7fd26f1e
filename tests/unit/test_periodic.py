"""Things done every few seconds beside a loop."""

import threading

from pixo.errors import TryAgain
from pixo.periodic import Periodic

PATIENCE = 10.0


def test_it_comes_at_once_and_again_although_a_part_is_out_of_reach():
    """TryAgain ends a round, not the rounds."""
    turns = threading.Semaphore(0)
    stop = threading.Event()

    def act():
        turns.release()
        raise TryAgain("redis", "down")

    with Periodic("test", 0.01, act, stop) as periodic:
        assert all(turns.acquire(timeout=PATIENCE) for _ in range(3))
    assert not periodic.failed
    assert not stop.is_set()


def test_a_mistake_ends_the_process():
    """Any other error asks for the end, so that somebody starts the whole anew."""
    stop = threading.Event()
    with Periodic("test", 0.01, lambda: 1 // 0, stop) as periodic:
        assert stop.wait(PATIENCE)
    assert periodic.failed


def test_it_is_alive_while_it_turns():
    """A round that never ends is noticed."""
    now = [0.0]
    periodic = Periodic("test", 5.0, lambda: None, threading.Event(), clock=lambda: now[0], patience=10.0)
    periodic.turn()
    now[0] = 14.0
    assert periodic.alive() is True
    now[0] = 16.0
    assert "16" in str(periodic.alive())
