"""What a consumer fetches, and what it does not."""

from collections.abc import Sequence

import pytest
from confluent_kafka import TopicPartition

from pixo.broker.doze import ALERT, DENSE, LOOK
from pixo.broker.fetching import Fetching
from pixo.broker.positions import Positions
from tests.clock import Clock


class Client:
    """A client of which it is known what it fetches, and where a log ends."""

    def __init__(self) -> None:
        self.fetches: dict[int, bool] = {}
        self.ends = {0: -1001, 1: -1001}
        self.nudges: list[str] = []

    def pause(self, places: Sequence[TopicPartition]) -> None:
        """Fetch these no more."""
        self.fetches |= {place.partition: False for place in places}

    def resume(self, places: Sequence[TopicPartition]) -> None:
        """Fetch these."""
        self.fetches |= {place.partition: True for place in places}

    def get_watermark_offsets(
        self, place: TopicPartition, timeout: float = 0, *, cached: bool = False
    ) -> tuple[int, int]:
        """Give start and end, of the last fetch or by a question."""
        if not cached:
            self.nudges.append(f"asked within {timeout:g} s")
        return 0, self.ends[place.partition]

    def seek(self, place: TopicPartition) -> None:
        """Read from there."""
        self.nudges.append(f"{place.partition} at {place.offset}")


class Bell:
    """A bell that rings for what it is told."""

    def __init__(self) -> None:
        self.rung: dict[int, int] = {}

    def heard(self, timeout: float) -> dict[int, int]:
        """Give for what it has rung; wait for nothing."""
        assert timeout >= 0
        rung, self.rung = self.rung, {}
        return rung

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def client() -> Client:
    """Give a client."""
    return Client()


@pytest.fixture
def positions() -> Positions:
    """Give where the consumer stands."""
    return Positions()


@pytest.fixture
def bell() -> Bell:
    """Give a bell."""
    return Bell()


@pytest.fixture
def fetching(client: Client, positions: Positions, bell: Bell, clock: Clock) -> Fetching:
    """Give one of two partitions that may sleep by now."""
    made = Fetching(client, "t", positions, bell, clock)  # type: ignore[arg-type]
    made.hold([TopicPartition("t", 0), TopicPartition("t", 1)])
    clock.now += ALERT
    return made


def test_a_pause_is_of_all_that_is_held_then_or_later(client: Client, positions: Positions, clock: Clock) -> None:
    """Said of each: librdkafka keeps the pause of a partition that was taken away."""
    fetching = Fetching(client, "t", positions, None, clock)  # type: ignore[arg-type]
    fetching.hold([TopicPartition("t", 0)])
    assert client.fetches == {0: True}
    fetching.pause()
    fetching.hold([TopicPartition("t", 1)])
    assert client.fetches == {0: False, 1: False}
    assert fetching.resting
    fetching.resume()
    assert client.fetches == {0: True, 1: True}
    assert client.nudges == ["asked within 0.5 s"]
    fetching.release({0})
    assert fetching.held == {1}


def test_without_a_bell_it_never_sleeps(client: Client, positions: Positions, clock: Clock) -> None:
    """Nobody would wake it."""
    fetching = Fetching(client, "t", positions, None, clock)  # type: ignore[arg-type]
    fetching.hold([TopicPartition("t", 0)])
    clock.now += 60
    fetching.tire()
    assert fetching.rest(0.2) == 0.2
    assert client.fetches == {0: True}
    assert not fetching.resting


def test_the_last_record_that_there_was_puts_it_to_sleep(client, positions, fetching, clock) -> None:
    """While a fetch has brought more, that is at hand."""
    client.ends[0] = 2
    for offset, fetches in [(0, True), (1, False)]:
        clock.now += 2 * DENSE
        positions.delivered(0, offset)
        fetching.met()
        assert client.fetches == {0: fetches, 1: fetches}
        assert fetching.resting is not fetches


def test_a_ring_wakes_it_and_the_thread_that_fetches(client, positions, fetching, bell) -> None:
    """By a seek to where it stands in one of its partitions, or by a question where that is not known."""
    fetching.tire()
    assert fetching.rest(0.2) == 0
    assert client.nudges == []
    bell.rung = {1: 0}
    assert fetching.rest(0.2) == 0.2
    assert client.fetches == {0: True, 1: True}
    assert client.nudges == ["asked within 0.5 s"]

    positions.delivered(1, 0)
    fetching.met()
    assert fetching.resting
    bell.rung = {0: 5}
    fetching.rest(LOOK)
    assert client.nudges[1:] == ["1 at 1"]


def test_who_is_paused_sleeps_no_other_way(client, fetching, clock) -> None:
    """It is awake when it is resumed."""
    fetching.tire()
    fetching.pause()
    assert fetching.rest(0.2) == 0.2
    clock.now += ALERT
    fetching.tire()
    fetching.resume()
    assert client.fetches == {0: True, 1: True}
    assert not fetching.resting
