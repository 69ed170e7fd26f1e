"""The worker as a process: ``python -m services.worker``. Takes tile tasks until told to stop."""

import os
from contextlib import ExitStack

from pixo import logs, metrics, startup, topics
from pixo.health import Health
from pixo.lifeguard import Lifeguard
from pixo.signals import Stop, stop_on_signals
from services.worker import warm
from services.worker.breaker import EXIT_BREAKER, REST, Tripped
from services.worker.parts import Parts, assemble

log = logs.logger(__name__)


def main() -> int:
    """Run until SIGTERM: then finish the tile in hand, report it, leave the group."""
    settings = startup.configure("worker", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        parts = assemble(settings, stack)
        pulse = startup.Pulse()
        checks = {"joined": lambda: parts.consumer.ready, "breaker": parts.breaker.check}
        health = Health(checks, alive={"loop": pulse})
        process = settings.process
        stack.enter_context(
            health.serve(
                process.metrics_host, process.metrics_port, metrics.expose("worker", topics.names(settings.kafka))
            )
        )
        kafka = lambda: parts.admin.ensure(topics.specs(settings.kafka))  # noqa: E731 - one question of three
        warm.up(parts.cache)
        if not startup.reach(stop, {"kafka": kafka, "redis": parts.state.ping, "store": parts.store.ping}):
            return startup.EXIT_DONE
        pulse.follow(parts.loop)
        stack.enter_context(Lifeguard(pulse))
        stack.enter_context(parts.watchdog)
        parts.heart.start()
        stack.callback(parts.heart.stop)
        try:
            _work(parts, stop)
        except Tripped as error:
            # Out of the group by now; no heartbeat either, for nobody should count on it.
            parts.heart.stop()
            pulse.rest()
            log.error("breaker tripped, no more work is taken", reason=error, ends_in=REST)
            return startup.EXIT_DONE if stop.wait(REST) else EXIT_BREAKER
    return startup.EXIT_DONE


def _work(parts: Parts, stop: Stop) -> None:
    """Take tasks until told to stop; however it ends, what was begun and not finished costs nobody an attempt."""
    try:
        parts.loop.run(stop)
    finally:
        parts.handler.let_go()


if __name__ == "__main__":
    startup.run("worker", main)
