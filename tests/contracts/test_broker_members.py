"""What a group says of its members, and what one of them that holds nothing makes of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from pixo.broker import profiles
from pixo.broker.consumer import KafkaConsumer
from pixo.broker.kafka import KafkaBroker
from pixo.broker.standby import Standby
from pixo.errors import Fatal
from tests.contracts.house import KINDS, House, opened
from tests.waiting import until

KAFKAS = [kind for kind in KINDS if not isinstance(kind, str)]
"""The embedded broker knows a group, and none of its members."""

Start = Callable[..., KafkaConsumer]


@pytest.fixture(params=KAFKAS)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Give a broker that tells of members, with topics of its own."""
    yield from opened(request)


@pytest.fixture
def asked() -> list[dict[str, frozenset[int]]]:
    """Give what groups have answered to members that hold nothing."""
    return []


@pytest.fixture
def start(house: House, asked: list[dict[str, frozenset[int]]]) -> Iterator[Start]:
    """Give a function that starts a member which asks after half a second."""
    broker = house.broker
    assert isinstance(broker, KafkaBroker)

    def members() -> dict[str, frozenset[int]]:
        asked.append(broker.members(house.group, house.tasks))
        return asked[-1]

    with ExitStack() as stack:

        def begin(kind: type[KafkaConsumer] = KafkaConsumer) -> KafkaConsumer:
            profile = profiles.consumer(broker.settings, "test", house.group) | {"statistics.interval.ms": 200}
            consumer = kind(profile, house.tasks, standby=Standby(members, patience=0.5))
            stack.callback(consumer.close)
            return consumer

        yield begin


class Forsaken(KafkaConsumer):
    """Takes nothing of what it is given: the group believes that it holds all."""

    def _assign(self, client: Any, _: Sequence[Any]) -> None:
        super()._assign(client, [])


def test_a_member_that_others_leave_nothing_stands_by(house, start, asked) -> None:
    """The group says so, of each member what it holds."""
    consumers = [start() for _ in range(4)]

    def settled() -> bool:
        for consumer in consumers:
            consumer.poll(0.05)
        told = sorted(map(sorted, asked[-1].values())) if asked else []
        return told == sorted(sorted(consumer.assigned()) for consumer in consumers) == [[], [0], [1], [2]]

    until(settled, "three hold one each, and the group says so", polls=True)
    before = len(asked)
    until(lambda: settled() and len(asked) >= before + 3, "one that asks again and again, and stays", polls=True)


def test_a_member_ends_where_nobody_holds_anything(start) -> None:
    """It is started anew then, and with it the group."""
    forsaken = start(Forsaken)
    with pytest.raises(Fatal, match="nobody of the group"):
        until(lambda: forsaken.poll(0.05) and False, "it ends", 60.0, polls=True)


def test_of_a_topic_that_is_not_there_nobody_is_told_to_hold_anything(house, start) -> None:
    """Neither of a group that nobody has heard of."""
    consumer = start()
    until(lambda: consumer.poll(0.05) or consumer.assigned(), "it holds all", polls=True)
    assert house.broker.members(house.group, "elsewhere") == {}
    assert house.broker.members("nobody", house.tasks) == {}
