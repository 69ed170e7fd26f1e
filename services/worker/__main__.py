"""The worker as a process: ``python -m services.worker``. Takes tile tasks until told to stop."""

import os
from contextlib import ExitStack

from pixo import logs, startup
from pixo.role import Pulse
from pixo.signals import Stop, stop_on_signals
from services.worker.breaker import EXIT_BREAKER, REST, Tripped
from services.worker.parts import Parts, assemble

log = logs.logger(__name__)


def main() -> int:
    """Run until SIGTERM: then finish the tile in hand, report it, leave the group."""
    settings = startup.configure("worker", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        parts = assemble(settings, stack)
        return parts.role.run(stop, lambda pulse: _work(parts, stop, pulse))


def _work(parts: Parts, stop: Stop, pulse: Pulse) -> int:
    try:
        _take_tasks(parts, stop)
    except Tripped as error:
        # Out of the group by now; no heartbeat either, for nobody should count on it.
        parts.role.heart.stop()
        pulse.rest()
        log.error("breaker tripped, no more work is taken", reason=error, ends_in=REST)
        return startup.EXIT_DONE if stop.wait(REST) else EXIT_BREAKER
    return startup.EXIT_DONE


def _take_tasks(parts: Parts, stop: Stop) -> None:
    """Take tasks until told to stop; however it ends, what was begun and not finished costs nobody an attempt."""
    try:
        parts.role.loop.run(stop)
    finally:
        parts.handler.let_go()


if __name__ == "__main__":
    startup.run("worker", main)
