"""A role that consumes, from its start to its exit code."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from pixo import settings, startup
from pixo.broker.memory import MemoryBroker
from pixo.errors import TryAgain
from pixo.heartbeat import Heart
from pixo.loop import Loop
from pixo.messages import Heartbeat
from pixo.periodic import Periodic
from pixo.role import STILL, Pulse, Role
from pixo.signals import Stop
from pixo.topics import Topic
from tests.clock import Clock


class Desk:
    """The parts of a role, which takes note of the order in which they come and go."""

    def __init__(self) -> None:
        self.broker, self.stop = MemoryBroker(), Stop()
        self.broker.admin().ensure([Topic(name="t", partitions=1), Topic(name="beats", partitions=1)])
        self.told: list[str] = []
        beat = Heartbeat(id="m", role="monitor", version="1", host="h", started=0.0)
        self.parts: dict[str, Any] = {
            "name": "monitor",
            "settings": settings.load({"PIXO_METRICS_PORT": "0"}),
            "loop": Loop(self.broker.consumer("g", "t"), self.ended),
            "heart": Heart(self.broker.heart(), "beats", lambda: beat),
            "checks": {},
        }

    @contextmanager
    def beside(self, name: str) -> Any:
        """Run beside the loop."""
        self.told.append(f"{name} begins")
        yield
        self.told.append(f"{name} ends")

    def ended(self, _: object) -> None:
        """Have the one record end the role."""
        self.told.append("work")
        self.stop.set()

    def beats(self) -> int:
        """Give how many heartbeats were sent."""
        return len(self.broker.logs["beats"][0])

    def run(self, **parts: Any) -> int:
        """Run a role of these parts."""
        return Role(**(self.parts | {"needs": {}} | parts)).run(self.stop)


def test_it_works_when_its_needs_are_met_and_what_began_last_ends_first() -> None:
    """Needs are asked one after the other, until each was met once."""
    desk = Desk()
    desk.broker.producer().send("t", b"x")
    tries = iter([TryAgain("kafka", "away"), None])

    def kafka() -> None:
        desk.told.append("kafka")
        if error := next(tries):
            raise error

    needs: dict[str, Callable[[], object]] = {"kafka": kafka, "redis": lambda: desk.told.append("redis")}
    code = desk.run(needs=needs, beside=[desk.beside("a"), desk.beside("b")])

    assert code == startup.EXIT_DONE
    assert desk.told == ["kafka", "kafka", "redis", "a begins", "b begins", "work", "b ends", "a ends"]
    assert desk.beats()
    assert desk.broker.groups["g"].members == []


def test_told_to_stop_while_it_waits_it_never_begins() -> None:
    """Nobody has heard of it, and nobody has to hear that it stops."""
    desk = Desk()

    def kafka() -> None:
        desk.stop.set()
        raise TryAgain("kafka", "away")

    assert desk.run(needs={"kafka": kafka}, beside=[desk.beside("a")]) == startup.EXIT_DONE
    assert (desk.told, desk.beats()) == ([], 0)


def test_a_mistake_in_a_round_ends_it_as_one() -> None:
    """Whoever started it starts it anew."""
    desk = Desk()
    assert desk.run(rounds=[Periodic("round", 5.0, lambda: 1 // 0, desk.stop)]) == startup.EXIT_FATAL


def test_a_pulse_is_that_of_its_loop() -> None:
    """Before there is one, and at rest, nothing can stand still."""
    clock = Clock()
    pulse, loop = Pulse(clock), Desk().parts["loop"]
    assert pulse() is True
    pulse.follow(loop)
    clock.now += STILL + 1
    assert pulse() == f"no turn for {STILL + 1:.0f} s"
    loop.progress = clock.now
    assert pulse() is True
    clock.now += STILL + 1
    pulse.rest()
    assert pulse() is True
