"""Offsets of a topic that was made anew."""

import time
from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from pixo.broker import faults
from pixo.broker.positions import Positions
from pixo.broker.renewal import Renewal, ahead


class Client:
    """A client whose broker has one partition, with what its group has committed."""

    def __init__(self) -> None:
        self.log = (0, 5)
        self.group = 9
        self.away = False
        self.sought: list[int] = []
        self.stored: list[int] = []

    def committed(self, places: Sequence[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Give what is committed, of each place."""
        assert timeout > 0
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [TopicPartition(place.topic, place.partition, self.group) for place in places]

    def get_watermark_offsets(
        self, place: TopicPartition, timeout: float = 0, *, cached: bool = False
    ) -> tuple[int, int]:
        """Give start and end."""
        assert place.partition == 0
        assert cached or timeout > 0
        return self.log

    def seek(self, place: TopicPartition) -> None:
        """Read from there."""
        self.sought.append(place.offset)

    def store_offsets(self, offsets: Sequence[TopicPartition]) -> None:
        """Take what the next commit is of."""
        self.stored += [place.offset for place in offsets]

    def commit(self, offsets: Sequence[TopicPartition], *, asynchronous: bool) -> None:
        """Commit less than before."""
        assert asynchronous
        self.group = offsets[0].offset


@pytest.fixture
def client() -> Client:
    """Give a client."""
    return Client()


@pytest.fixture
def positions() -> Positions:
    """Give where the consumer stands: three records in hand."""
    positions = Positions()
    for offset in (6, 7, 8):
        positions.delivered(0, offset)
    return positions


@pytest.fixture
def renewal(client: Client, positions: Positions) -> Renewal:
    """Give what is tested."""
    return Renewal(client, "t", positions, faults.Complaints(faults.Said(time.monotonic)))  # type: ignore[arg-type]


def stats(committed: int, following: int, end: int) -> dict[str, object]:
    """Give the statistics of a consumer of one partition."""
    state = {"committed_offset": committed, "next_offset": following, "hi_offset": end}
    return {"topics": {"t": {"partitions": {"0": state}}}}


FINE, COMMITTED_BEYOND = stats(5, 5, 5), stats(9, 5, 5)


@pytest.mark.parametrize(
    ("committed", "following", "end", "found"),
    [(6, 3, 3, {0}), (6, 0, 0, {0}), (3, 3, 3, set()), (-1001, 3, 3, set()), (6, 6, 3, set()), (6, 0, -1001, set())],
)
def test_more_is_committed_than_there_is(committed: int, following: int, end: int, found: set[int]) -> None:
    """Of a log that is read, not of one that is read beyond its end, or not at all yet."""
    told = stats(committed, following, end)
    assert ahead(told, "t", {0}) == found
    assert ahead(told, "t", {1}) == ahead(told, "u", {0}) == set()


@pytest.mark.parametrize(("committed", "start", "begin"), [(3, 2, 3), (5, 2, 5), (9, 2, 2), (1, 2, 2), (-1001, 0, 0)])
def test_read_beyond_the_end_it_starts_over(client, positions, renewal, committed, start, begin) -> None:
    """From the committed offset where the log has it; what was done in the old log is committed no more."""
    client.log, client.group = (start, 5), committed
    renewal.look(FINE, {0}, {0: 5})
    renewal.mend({0})
    assert client.sought == client.stored == [begin]
    assert client.group == positions.next(0) == begin
    positions.done(0, 6)
    assert positions.finished() == {}
    renewal.mend({0})
    assert client.sought == [begin]


def test_what_was_taken_away_meanwhile_is_left_alone(client, positions, renewal) -> None:
    """It is its next holder's."""
    positions.forget([0])
    for _ in range(2):
        renewal.look(COMMITTED_BEYOND, {0}, {0: 5})
    renewal.mend(set())
    assert client.sought == client.stored == []
    assert positions.next(0) is None


@pytest.mark.parametrize(
    ("log", "done", "commit"),
    [
        ((0, 20), (), [6]),
        ((0, 20), (6, 8), [7]),
        ((0, 20), (6, 7, 8), [9]),
        ((0, 5), (), [0]),
        ((7, 20), (), [7]),
        ((-1001, -1001), (), []),
        ((9, 5), (), []),
    ],
)
def test_committed_beyond_the_end_it_commits_what_is_done(client, positions, renewal, log, done, commit) -> None:
    """The first offset that is not, if the log has it; nothing while it is not known what the log has."""
    client.log = log
    for offset in done:
        positions.done(0, offset)
    for _ in range(2):
        renewal.look(COMMITTED_BEYOND, {0}, {})
    renewal.mend({0})
    assert client.stored == commit
    assert client.sought == []


def test_one_look_is_no_proof_that_too_much_is_committed(client, renewal) -> None:
    """Numbers of a partition that was just assigned are of different times."""
    for told in (COMMITTED_BEYOND, FINE, COMMITTED_BEYOND):
        renewal.look(told, {0}, {})
        renewal.mend({0})
    assert client.stored == []


def test_a_broker_that_does_not_answer_is_asked_at_the_next_look(client, positions, renewal) -> None:
    """Nothing has changed until then."""
    client.away = True
    renewal.look(FINE, {0}, {0: 5})
    renewal.mend({0})
    assert positions.next(0) == 9
    client.away = False
    renewal.look(FINE, {0}, {0: 5})
    renewal.mend({0})
    assert positions.next(0) == 0
