"""The life of a role that consumes: seen by probes, waiting for what it needs, at work, and out again."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from pixo import metrics, startup, topics
from pixo.health import Check, Health
from pixo.heartbeat import Heart
from pixo.lifeguard import Lifeguard
from pixo.loop import Loop
from pixo.periodic import Periodic
from pixo.settings import Settings
from pixo.signals import Stop

STILL = 60.0
"""Seconds without a turn after which a loop counts as stuck."""


class Pulse:
    """A health check: the loop that it follows makes progress. Before it follows one, the role waits, and is alive."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop: Loop | None = None

    def follow(self, loop: Loop) -> None:
        """Look at this loop from now on."""
        loop.progress = self._clock()
        self._loop = loop

    def rest(self) -> None:
        """Look at no loop any more: the role does nothing, on purpose."""
        self._loop = None

    def __call__(self) -> bool | str:
        """Return whether the loop turned lately."""
        if self._loop is None:
            return True
        still = self._clock() - self._loop.progress
        return still < STILL or f"no turn for {still:.0f} s"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role's parts, ready to be started."""

    name: metrics.Role
    settings: Settings
    loop: Loop
    heart: Heart
    needs: Mapping[str, Callable[[], object]]
    """What has to be done before it works, in this order; each raises TryAgain until it can be."""
    checks: Mapping[str, Check]
    """Whether it can take work."""
    beside: Sequence[AbstractContextManager[object]] = ()
    """What runs beside the loop, in the order of its start."""
    rounds: Sequence[Periodic] = ()
    """Likewise; without them the role is not alive."""

    def run(self, stop: Stop, work: Callable[[Pulse], int] | None = None) -> int:
        """Live until told to stop; return the exit code. ``work`` is done in the place of running the loop."""
        pulse, alive = Pulse(), {one.name: one.alive for one in self.rounds}
        health = Health(self.checks, alive={"loop": pulse, **alive})
        process, names = self.settings.process, topics.names(self.settings.kafka)
        with ExitStack() as stack:
            registry = metrics.expose(self.name, names)
            stack.enter_context(health.serve(process.metrics_host, process.metrics_port, registry))
            if not startup.reach(stop, self.needs):
                return startup.EXIT_DONE
            pulse.follow(self.loop)
            for part in (Lifeguard(pulse, *alive.values()), *self.beside, *self.rounds, self.heart):
                stack.enter_context(part)
            code = work(pulse) if work else self._work(stop)
        return startup.EXIT_FATAL if any(one.failed for one in self.rounds) else code

    def _work(self, stop: Stop) -> int:
        self.loop.run(stop)
        return startup.EXIT_DONE
