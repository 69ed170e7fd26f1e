"""The results role as a process: ``python -m services.results``. Counts tiles, hands out more, joins, heals."""

import os
from contextlib import ExitStack

from pixo import metrics, startup, topics
from pixo.health import Health
from pixo.lifeguard import Lifeguard
from pixo.signals import stop_on_signals
from services.results.parts import assemble


def main() -> int:
    """Run until SIGTERM: then finish what is in hand, give up long joins after a while, leave the group."""
    settings = startup.configure("results", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        parts = assemble(settings, stack, stop)
        pulse = startup.Pulse()
        health = Health(
            {"joined": lambda: parts.consumer.ready},
            alive={"loop": pulse, **{one.name: one.alive for one in parts.periodic}},
        )
        process = settings.process
        stack.enter_context(
            health.serve(
                process.metrics_host, process.metrics_port, metrics.expose("results", topics.names(settings.kafka))
            )
        )
        kafka = lambda: parts.admin.ensure(topics.specs(settings.kafka))  # noqa: E731 - one question of three
        if not startup.reach(stop, {"kafka": kafka, "redis": parts.state.ping, "store": parts.store.ping}):
            return startup.EXIT_DONE
        pulse.follow(parts.loop)
        stack.enter_context(Lifeguard(pulse, *(one.alive for one in parts.periodic)))
        stack.enter_context(parts.leases)
        stack.enter_context(parts.joiner)
        for periodic in parts.periodic:
            stack.enter_context(periodic)
        parts.heart.start()
        stack.callback(parts.heart.stop)
        parts.loop.run(stop)
    return startup.EXIT_FATAL if any(one.failed for one in parts.periodic) else startup.EXIT_DONE


if __name__ == "__main__":
    startup.run("results", main)
