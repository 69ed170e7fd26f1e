"""The breaker: a worker in which job after job fails stops, a poison tile now and then does not stop it."""

import pytest

from services.worker.breaker import IN_A_ROW, MOST, RECENT, Breaker, Tripped


def test_jobs_in_a_row_trip_it():
    """One short of the bound it is ready; at the bound it says why, and is not ready."""
    breaker = Breaker()
    for n in range(IN_A_ROW - 1):
        breaker.failed(f"job{n}", "odd")
    assert breaker.check() is True

    with pytest.raises(Tripped, match=f"{IN_A_ROW} jobs in a row failed in this worker, the last: odd"):
        breaker.failed("another", "odd")
    why = breaker.check()
    assert "jobs in a row" in str(why)

    with pytest.raises(Tripped):
        breaker.failed("what was in hand", "other")
    assert breaker.check() == why, "what tripped it is what is told"


def test_one_job_is_one_job():
    """Many tiles of one job, whose image may be the cause, are no row."""
    breaker = Breaker()
    for _ in range(3 * IN_A_ROW):
        breaker.failed("job", "odd")

    assert breaker.check() is True


def test_a_tile_that_is_made_starts_the_row_over():
    """As long as few of the jobs fail."""
    breaker = Breaker()
    for n in range(20 * RECENT):
        if n % 4 == 0:
            breaker.failed(f"bad{n}", "odd")
        else:
            breaker.made(f"good{n}")

    assert breaker.check() is True


def test_too_large_a_share_trips_it():
    """Half of the jobs fail, never two in a row: a part of the deployment is broken."""
    breaker = Breaker()
    for n in range(MOST - 1):
        breaker.failed(f"bad{n}", "odd")
        breaker.made(f"good{n}")

    with pytest.raises(Tripped, match=f"{MOST} of the last"):
        breaker.failed("another", "odd")
