"""Brokers of each kind; the state as its own tests see it: on a real Valkey, with a clock that the test sets."""

from collections.abc import Iterator

import pytest
from redis import Redis

from pixo.state import State
from tests.contracts.house import KINDS, House, opened
from tests.contracts.state_jobs import CLOCK, Time


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Give each kind of broker, with new topics."""
    yield from opened(request)


@pytest.fixture
def client(valkey_url):
    """Give a plain client."""
    with Redis.from_url(valkey_url, protocol=2) as client:
        yield client


@pytest.fixture
def clock(client):
    """Give the time."""
    return Time(client)


@pytest.fixture
def state(client, clock):
    """Give the state."""
    return State(client, client, clock=CLOCK)


@pytest.fixture
def jobs(state):
    """Give the jobs."""
    return state.jobs
