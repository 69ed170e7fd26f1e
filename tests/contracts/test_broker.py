"""What every broker promises, tried on the one in memory, the embedded one and a real Apache Kafka."""

import time

import pytest

from pixo.broker import Record
from pixo.errors import TryAgain
from pixo.topics import Topic
from tests.contracts.house import PATIENCE, House, join, send, take
from tests.waiting import until


def test_record_arrives_whole(house: House) -> None:
    """A record comes with its value, headers, partition, offset and time as they were sent."""
    consumer = house.broker.consumer(house.group, house.tasks)
    producer = house.broker.producer()
    before = int(time.time() * 1000)
    producer.send(house.tasks, b"one", partition=2, headers={"attempt": b"1", "trace": b""}).result(PATIENCE)
    producer.send(house.tasks, None, partition=2, key="job").result(PATIENCE)

    first, second = take(consumer, 2)

    assert (first.topic, first.partition, first.offset) == (house.tasks, 2, 0)
    assert (first.value, first.headers) == (b"one", {"attempt": b"1", "trace": b""})
    assert before - 1000 <= first.timestamp_ms <= time.time() * 1000 + 1000
    assert (second.offset, second.value, second.headers) == (1, None, {})


def test_what_a_topic_holds_is_read_whole(house: House) -> None:
    """All that was sent before is given, in order by partition, and then it ends, as often as it is asked for."""
    for partition in (0, 2):
        send(house, [b"%d.%d" % (partition, n) for n in range(5)], partition)

    for _ in range(2):
        found = list(house.broker.kept(house.tasks))
        assert sorted((one.partition, one.offset) for one in found) == [(p, n) for p in (0, 2) for n in range(5)]
        assert [one.value for one in found if one.partition == 2] == [b"2.%d" % n for n in range(5)]
    with pytest.raises(TryAgain):
        list(house.broker.kept(f"{house.tasks}-nowhere"))


def test_same_key_same_partition(house: House) -> None:
    """Records with one key lie on one partition, in the order of sending."""
    producer = house.broker.producer()
    for number in range(4):
        producer.send(house.tasks, b"%d" % number, key="some job").result(PATIENCE)

    ends = house.admin.ends(house.tasks)

    assert sorted(ends.values()) == [0, 0, 4]


def test_ends_count_bursts(house: House) -> None:
    """The end of a partition is right however the records were sent."""
    producer = house.broker.producer()
    for count in (5, 1, 7):
        producer.settle([producer.send(house.tasks, b"x", partition=1) for _ in range(count)])

    assert house.admin.ends(house.tasks) == {0: 0, 1: 13, 2: 0}
    assert house.admin.starts(house.tasks) == {0: 0, 1: 0, 2: 0}


def test_committed_offset_leaves_no_gap(house: House) -> None:
    """What is done after a record that is not is given out again after a restart, with that record."""
    send(house, [b"%d" % number for number in range(5)], partition=0)
    first = house.broker.consumer(house.group, house.tasks)
    records = take(first, 5)
    for record in (records[0], records[1], records[3]):
        first.done(record)
    first.close()

    assert house.admin.committed(house.group, house.tasks) == {0: 2}
    second = house.broker.consumer(house.group, house.tasks)
    assert [record.value for record in take(second, 3)] == [b"2", b"3", b"4"]


def test_done_is_committed_while_consuming(house: House) -> None:
    """Others see how far a living consumer has come."""
    send(house, [b"a", b"b"], partition=1)
    consumer = house.broker.consumer(house.group, house.tasks)
    for record in take(consumer, 2):
        consumer.done(record)

    def seen() -> bool:
        consumer.poll(0.1)
        return house.admin.committed(house.group, house.tasks) == {1: 2}

    until(seen, "the commit")


def test_group_shares_partitions(house: House) -> None:
    """Members of a group hold every partition once; one that leaves hands its own over."""
    one, two = (house.broker.consumer(house.group, house.tasks) for _ in range(2))
    join(one, two)

    two.close()

    join(one)


def test_revoked_record_is_forgotten(house: House) -> None:
    """Done after the partition went elsewhere raises nothing, commits nothing; the new holder gets the record."""
    one = house.broker.consumer(house.group, house.tasks)
    join(one)
    for partition in range(3):
        send(house, [b"%d" % partition], partition=partition)
    records = take(one, 3)
    two = house.broker.consumer(house.group, house.tasks)
    again: list[Record] = []

    def moved() -> bool:
        one.poll(0.05)
        record = two.poll(0.05)
        again.extend([record] if record else [])
        return bool(again)

    until(moved, "the hand-over")
    lost = [record for record in records if record.partition in two.assigned()]
    for record in lost:
        one.done(record)

    assert lost
    assert again[0].partition in {record.partition for record in lost}
    one.close()
    one.done(records[0])
    assert not house.admin.committed(house.group, house.tasks).keys() & two.assigned()


def test_third_of_two_stands_by(house: House) -> None:
    """A member without partitions is ready."""
    house.admin.ensure([Topic(name=f"{house.tasks}-one", partitions=1)])
    members = [house.broker.consumer(house.group, f"{house.tasks}-one") for _ in range(2)]

    def joined() -> bool:
        for member in members:
            member.poll(0.1)
        return all(member.ready for member in members)

    until(joined, "both members")
    assert sorted(len(member.assigned()) for member in members) == [0, 1]


def test_pause_outlives_rebalance(house: House) -> None:
    """A paused consumer gives nothing, of partitions that it receives while paused neither; then everything."""
    one = house.broker.consumer(house.group, house.tasks)
    two = house.broker.consumer(house.group, house.tasks)
    join(one, two)
    one.pause()
    two.close()
    join(one)
    for partition in range(3):
        send(house, [b"%d" % partition], partition=partition)

    assert [one.poll(0.05) for _ in range(20)] == [None] * 20
    one.resume()
    assert sorted(record.value or b"" for record in take(one, 3)) == [b"0", b"1", b"2"]


def test_resumed_it_fetches_at_once(house: House) -> None:
    """A worker that was busy with a long tile has its next one when it is done, not up to a second later."""
    consumer = house.broker.consumer(house.group, house.tasks)
    join(consumer)
    waited = 0.0
    for turn in range(8):
        consumer.pause()
        send(house, [b"%d" % turn], partition=turn % 3)
        assert [consumer.poll(0.05) for _ in range(6)] == [None] * 6
        consumer.resume()
        began = time.monotonic()
        (record,) = take(consumer, 1)
        waited += time.monotonic() - began
        consumer.done(record)
    assert waited < 3


def test_resume_while_nothing_is_held(house: House) -> None:
    """A consumer that is paused, loses its partitions, is resumed and receives some again gives their records."""
    one = house.broker.consumer(house.group, house.tasks)
    join(one)
    one.pause()
    two = house.broker.consumer(house.group, house.tasks)

    def lost() -> bool:
        one.poll(0.05)
        two.poll(0.05)
        return len(one.assigned()) < 3

    until(lost, "the rebalance")
    one.resume()
    join(one, two)
    for partition in range(3):
        send(house, [b"%d" % partition], partition=partition)

    count = len(one.assigned())
    assert {record.partition for record in take(one, count)} == one.assigned()


def test_tail_hears_only_what_is_new(house: House) -> None:
    """A tail gives what is sent after it began to listen, of all partitions, and commits nothing."""
    send(house, [b"old", b"older"], partition=0)
    tail = house.broker.tail(house.tasks)

    def listening() -> bool:
        assert tail.poll(0.1) is None
        return tail.ready

    until(listening, "listening")
    assert tail.assigned() == {0, 1, 2}
    heard: list[Record] = []

    def both() -> bool:
        # The client finds the end of each partition by itself, a moment later: say it until it is heard.
        send(house, [b"new"], partition=0)
        send(house, [b"new"], partition=2)
        record = tail.poll(0.5)
        heard.extend([record] if record else [])
        return {record.partition for record in heard} == {0, 2}

    until(both, "hearing")
    assert {record.value for record in heard} == {b"new"}
    tail.done(heard[0])
    tail.close()


def test_two_tails_hear_the_same(house: House) -> None:
    """A tail waits for a topic that is not there yet, and takes nothing from another."""
    topic = f"{house.tasks}-later"
    tails = [house.broker.tail(topic) for _ in range(2)]
    assert [tail.poll(0.1) for tail in tails] == [None, None]
    house.admin.ensure([Topic(name=topic, partitions=1)])
    heard: list[set[bytes | None]] = [set(), set()]
    producer = house.broker.heart()

    def all_heard() -> bool:
        for tail, values in zip(tails, heard, strict=True):
            record = tail.poll(0.2)
            values.update({record.value} if record else ())
        if all(tail.ready for tail in tails):
            producer.send(topic, b"beat").exception(PATIENCE)
        return heard == [{b"beat"}, {b"beat"}]

    until(all_heard, "both tails")
