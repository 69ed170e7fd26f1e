"""Lag and age from offsets alone."""

import pytest

from services.monitor.lag import Ages, places
from services.monitor.watch import snapshot


@pytest.mark.parametrize(
    ("start", "end", "committed", "lag"),
    [(0, 0, None, 0), (0, 182, None, 182), (100, 182, None, 82), (0, 182, 180, 2), (190, 190, 180, 0), (0, 5, 9, 0)],
)
def test_lag_counts_what_is_kept_and_not_consumed(start, end, committed, lag):
    """Without a commit all that is kept; never less than nothing."""
    known = {} if committed is None else {0: committed}
    assert places({0: start}, {0: end}, known)[0].lag == lag


def test_the_age_of_the_oldest_record():
    """Since the look before which it was not there; nothing once all is consumed; anew with a new topic."""
    ages = Ages()
    assert ages.look(0.0, places({0: 0}, {0: 5}, {0: 5})) == 0.0
    assert ages.look(5.0, places({0: 0}, {0: 7}, {0: 5})) == 0.0
    assert ages.look(15.0, places({0: 0}, {0: 9}, {0: 5})) == 10.0
    assert ages.look(20.0, places({0: 0}, {0: 9}, {0: 7})) == 5.0
    assert ages.look(25.0, places({0: 0}, {0: 9}, {0: 9})) == 0.0
    assert ages.look(30.0, places({0: 0}, {0: 3}, {})) == 0.0


def test_the_snapshot_has_lag_where_somebody_consumes():
    """By partition and in all; topics that no group reads have none."""
    found = snapshot(7.0, {"tasks": ("workers", places({0: 0, 1: 0}, {0: 4, 1: 2}, {0: 1})), "beats": (None, {})})
    assert found["topics"][0] == {
        "name": "tasks",
        "partitions": 2,
        "group": "workers",
        "lag": {"0": 3, "1": 2},
        "total_lag": 5,
    }
    assert found["topics"][1] == {"name": "beats", "partitions": 0}
