"""How late heartbeats are: clocks that differ, outages, clocks that are set."""

import logging

import pytest

from services.monitor.delays import LATE, MOST, Delays

NOW = 1_700_000_000.0


def test_a_clock_that_differs_makes_nothing_late(caplog: pytest.LogCaptureFixture) -> None:
    """Beats that come as they are sent are fresh, be their machine an hour behind or ahead; that is said once."""
    for skew in (-3600.0, 3600.0):
        delays = Delays()
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            for beat in range(20):
                now = NOW + 5 * beat
                assert delays.late("w", now + skew, now) == 0
            assert [record.getMessage() for record in caplog.records] == ["clocks differ"]


def test_beats_of_before_an_outage_are_late() -> None:
    """What is read in one burst after minutes is as late as it is; a fresh one follows."""
    delays = Delays()
    assert delays.late("w", NOW - 0.2, NOW) == 0
    back = NOW + 300

    late = [delays.late("w", NOW + 5 * beat, back) for beat in range(1, 60)]

    assert late == pytest.approx([300 - 5 * beat - 0.2 for beat in range(1, 60)])
    assert delays.late("w", back, back + 0.2) == pytest.approx(0)


def test_a_clock_that_was_set_counts_after_a_while() -> None:
    """A process whose clock was set back is late for as long as a burst might last, and then believed."""
    delays = Delays()
    assert delays.late("w", NOW, NOW) == 0

    late = [delays.late("w", now - 60, now) for now in (NOW + 5, NOW + 10, NOW + 15, NOW + 20)]

    assert late == [60, 60, 60, 60]
    assert delays.late("w", NOW + 25 - 60, NOW + 25) == 0
    assert delays.late("w", NOW + 30 - 60, NOW + 30) == 0


def test_only_so_many_are_remembered() -> None:
    """Who was not heard for longest is forgotten first, and one that stops at once."""
    delays = Delays()
    for number in range(MOST + 1):
        delays.late(str(number), NOW, NOW)
    delays.forget("7")

    assert delays.late("0", NOW, NOW + 100) == 0
    assert delays.late("7", NOW, NOW + 100) == 0
    assert delays.late("8", NOW, NOW + 100) > LATE
