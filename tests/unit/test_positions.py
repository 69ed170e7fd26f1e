"""Where a consumer stands in its partitions."""

import pytest

from pixo.broker.positions import Positions


@pytest.fixture
def positions() -> Positions:
    """Give a consumer with records of two partitions in hand."""
    positions = Positions()
    for partition, offset in [(0, 4), (0, 5), (1, 8)]:
        positions.delivered(partition, offset)
    return positions


def test_what_is_finished_is_told_once(positions: Positions) -> None:
    """The newest offset of each partition before which nothing is missing."""
    assert positions.finished() == {}
    positions.done(0, 4)
    positions.done(0, 5)
    positions.done(1, 8)
    assert positions.finished() == {0: 6, 1: 9}
    assert positions.finished() == {}


def test_the_first_that_is_not_done(positions: Positions) -> None:
    """A record in hand, or else the next."""
    assert (positions.next(0), positions.first(0)) == (6, 4)
    positions.done(0, 4)
    assert positions.first(0) == 5
    positions.done(0, 5)
    assert positions.first(0) == 6
    assert positions.next(2) is positions.first(2) is None


def test_what_was_taken_away_is_not_finished(positions: Positions) -> None:
    """Its next holder gets it again."""
    positions.done(0, 4)
    positions.forget([0, 7])
    positions.done(0, 5)
    positions.done(1, 8)
    assert positions.finished() == {1: 9}
    assert positions.next(0) is None


def test_set_back_what_was_done_is_done_no_more(positions: Positions) -> None:
    """It counted in a log that is no more."""
    positions.done(0, 4)
    positions.set_back(0, 2)
    positions.done(0, 5)
    assert positions.finished() == {}
    assert positions.next(0) == positions.first(0) == 2
