"""The monitor as a process: ``python -m services.monitor``. Hears heartbeats, tells who lives and what lags."""

import os
from contextlib import ExitStack

from pixo import metrics, startup, topics
from pixo.health import Health
from pixo.lifeguard import Lifeguard
from pixo.signals import stop_on_signals
from services.monitor.parts import assemble
from services.monitor.watch import reached


def main() -> int:
    """Run until SIGTERM."""
    settings = startup.configure("monitor", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        parts = assemble(settings, stack, stop)
        pulse = startup.Pulse()
        health = Health(
            {"listening": lambda: parts.consumer.ready}, alive={"loop": pulse, parts.watch.name: parts.watch.alive}
        )
        process = settings.process
        stack.enter_context(
            health.serve(
                process.metrics_host, process.metrics_port, metrics.expose("monitor", topics.names(settings.kafka))
            )
        )

        def kafka() -> None:
            with reached("kafka"):
                parts.admin.ensure(topics.specs(settings.kafka))

        def redis() -> None:
            with reached("redis"):
                parts.state.ping()

        if not startup.reach(stop, {"kafka": kafka, "redis": redis}):
            return startup.EXIT_DONE
        pulse.follow(parts.loop)
        stack.enter_context(Lifeguard(pulse, parts.watch.alive))
        stack.enter_context(parts.watch)
        parts.heart.start()
        stack.callback(parts.heart.stop)
        parts.loop.run(stop)
    return startup.EXIT_FATAL if parts.watch.failed else startup.EXIT_DONE


if __name__ == "__main__":
    startup.run("monitor", main)
