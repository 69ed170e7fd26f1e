"""The watch over a consumer: what it finds, and when."""

import pytest

from pixo.broker.watch import Watch
from pixo.errors import Fatal
from tests.clock import Clock


def stats(
    following: int, given: int, end: int, *, up: bool = True, start: int = 0, reading: str = "active"
) -> dict[str, object]:
    """Give the statistics of a consumer of one partition."""
    offsets = {"next_offset": following, "app_offset": given, "hi_offset": end, "lo_offset": start}
    partition = {**offsets, "leader": 1, "fetch_state": reading}
    return {
        "brokers": {"b:1/1": {"nodeid": 1, "state": "UP" if up else "CONNECT"}},
        "topics": {"t": {"partitions": {"0": partition, "-1": partition}}},
    }


def test_beyond_the_end_for_a_minute(clock: Clock) -> None:
    """A position past the end is reported once it has stayed there, with the end; before, it may be a moment's."""
    watch = Watch(clock)

    assert watch.look(stats(40, 40, 5), "t", {0}, paused=False) == {}
    clock.now += 59
    assert watch.look(stats(40, 40, 5), "t", {0}, paused=False) == {}
    clock.now += 1
    assert watch.look(stats(40, 40, 6), "t", {0}, paused=False) == {0: 6}
    clock.now += 5
    assert watch.look(stats(40, 40, 6), "t", {0}, paused=False) == {}


def test_beyond_the_end_for_a_moment(clock: Clock) -> None:
    """A position that the end catches up with starts the minute over."""
    watch = Watch(clock)
    for _ in range(5):
        assert watch.look(stats(40, 40, 39), "t", {0}, paused=False) == {}
        clock.now += 30
        assert watch.look(stats(40, 40, 40), "t", {0}, paused=False) == {}
        clock.now += 30


def test_stall_ends_the_process(clock: Clock) -> None:
    """Records that are there and do not come for a minute are beyond this process."""
    watch = Watch(clock)
    watch.look(stats(7, 5, 9), "t", {0}, paused=False)
    clock.now += 60

    with pytest.raises(Fatal, match=r"t\[0\] for 60 s, at 5 of 9"):
        watch.look(stats(7, 5, 9), "t", {0}, paused=False)


def test_nothing_new_since_the_assignment_is_no_stall(clock: Clock) -> None:
    """A partition that was read to its end before it came here may stay quiet, though no record was taken from it."""
    watch = Watch(clock)
    for _ in range(3):
        watch.look(stats(9, -1001, 9), "t", {0}, paused=False)
        clock.now += 60


def test_a_stall_before_the_first_record(clock: Clock) -> None:
    """Records behind what was committed, and records fetched, must come as well when none has come since."""
    for following, fetched in ((7, 0), (9, 2)):
        watch, found = Watch(clock), stats(following, -1001, 9)
        found["topics"]["t"]["partitions"]["0"]["fetchq_cnt"] = fetched  # type: ignore[index]
        watch.look(found, "t", {0}, paused=False)
        clock.now += 60

        with pytest.raises(Fatal, match="for 60 s"):
            watch.look(found, "t", {0}, paused=False)


def test_progress_or_a_pause_is_no_stall(clock: Clock) -> None:
    """Slow work, a pause and a partition of somebody else are no stall."""
    watch = Watch(clock)
    for given in range(3):
        watch.look(stats(9, given, 9), "t", {0}, paused=False)
        clock.now += 40
    for _ in range(5):
        watch.look(stats(9, 3, 9), "t", {0}, paused=True)
        watch.look(stats(9, 3, 9), "t", {1}, paused=False)
        clock.now += 60


def test_nothing_to_read_is_no_stall(clock: Clock) -> None:
    """An empty partition, one read to its end and one whose records have expired wait as long as they like."""
    watch = Watch(clock)
    for _ in range(3):
        watch.look(stats(0, -1001, 0), "t", {0}, paused=False)
        watch.look(stats(9, 9, 9), "t", {0}, paused=False)
        watch.look(stats(9, -1001, 9, start=9), "t", {0}, paused=False)
        watch.look(stats(-1001, -1001, -1001), "t", {0}, paused=False)
        clock.now += 100


def test_silence_ends_the_process(clock: Clock) -> None:
    """Without any broker for two minutes the process is given up; one that comes back starts the time over."""
    watch = Watch(clock)
    for _ in range(3):
        watch.look(stats(9, 3, 9, up=False), "t", {0}, paused=False)
        clock.now += 119
        watch.look(stats(9, 9, 9), "t", {0}, paused=False)
    watch.look(stats(9, 3, 9, up=False), "t", {0}, paused=False)
    clock.now += 120

    with pytest.raises(Fatal, match="no Kafka broker for 120 s"):
        watch.look(stats(9, 3, 9, up=False), "t", {0}, paused=False)


def test_time_without_a_broker_is_no_stall(clock: Clock) -> None:
    """Records cannot come while there is no broker: that time does not count."""
    watch = Watch(clock)
    watch.look(stats(9, 3, 9), "t", {0}, paused=False)
    clock.now += 50
    watch.look(stats(9, 3, 9, up=False), "t", {0}, paused=False)
    clock.now += 50

    assert watch.look(stats(9, 3, 9), "t", {0}, paused=False) == {}


def test_a_leader_that_tells_nothing_ends_the_process(clock: Clock) -> None:
    """Fetching without ever hearing of the partition's end is refused fetching: another client is needed."""
    watch, blind = Watch(clock), stats(15, 15, -1, start=-1)
    watch.look(blind, "t", {0}, paused=False)
    clock.now += 30

    with pytest.raises(Fatal, match=r"nothing heard of t\[0\] for 30 s"):
        watch.look(blind, "t", {0}, paused=False)


def test_a_partition_that_is_held_and_not_read_ends_the_process(clock: Clock) -> None:
    """The numbers of one that is not read are those of before, and say nothing."""
    watch = Watch(clock)
    watch.look(stats(9, -1001, 9, reading="stopped"), "t", {0}, paused=False)
    clock.now += 29
    watch.look(stats(9, -1001, 9), "t", {0}, paused=False)  # it was about to be
    watch.look(stats(9, -1001, 9, reading="stopped"), "t", {0}, paused=False)
    clock.now += 30

    with pytest.raises(Fatal, match=r"nothing heard of t\[0\] for 30 s"):
        watch.look(stats(9, -1001, 9, reading="stopped"), "t", {0}, paused=False)


def test_a_pause_is_no_excuse_for_not_reading(clock: Clock) -> None:
    """A worker that is busy with another partition is paused whenever somebody looks."""
    watch, held = Watch(clock), stats(9, -1001, 9, reading="stopped")
    watch.look(held, "t", {0}, paused=True)
    clock.now += 30

    with pytest.raises(Fatal, match="nothing heard of"):
        watch.look(held, "t", {0}, paused=True)


@pytest.mark.parametrize("leader", [2, -1])
def test_without_a_leader_or_paused_nothing_can_be_heard(clock: Clock, leader: int) -> None:
    """A partition whose leader is away, or that is not asked about, is no reason to end.

    The group's coordinator, which is up, has the number of no leader.
    """
    watch, paused = Watch(clock), stats(15, 15, -1)
    away = stats(-1001, -1001, -1001, reading="offset-query")
    away["brokers"]["GroupCoordinator"] = {"nodeid": -1, "state": "UP"}  # type: ignore[index]
    away["topics"]["t"]["partitions"]["0"]["leader"] = leader  # type: ignore[index]
    for _ in range(3):
        watch.look(away, "t", {0}, paused=False)
        watch.look(paused, "t", {0}, paused=True)
        clock.now += 60
