"""The monitor as a process: ``python -m services.monitor``. Hears heartbeats, tells who lives and what lags."""

import os
from contextlib import ExitStack

from pixo import startup
from pixo.signals import stop_on_signals
from services.monitor.parts import assemble


def main() -> int:
    """Run until SIGTERM."""
    settings = startup.configure("monitor", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        return assemble(settings, stack, stop).run(stop)


if __name__ == "__main__":
    startup.run("monitor", main)
