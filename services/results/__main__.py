"""The results role as a process: ``python -m services.results``. Counts tiles, hands out more, joins, heals."""

import os
from contextlib import ExitStack

from pixo import startup
from pixo.signals import stop_on_signals
from services.results.parts import assemble


def main() -> int:
    """Run until SIGTERM: then finish what is in hand, give up long joins after a while, leave the group."""
    settings = startup.configure("results", os.environ)
    with stop_on_signals() as stop, ExitStack() as stack:
        return assemble(settings, stack, stop).run(stop)


if __name__ == "__main__":
    startup.run("results", main)
