"""Creates the topics, or adds partitions where they have too few: ``python -m services.monitor.topics``.

What an installation runs once for each change of the topics; it may run again, and beside the roles, which do the
same as they start. The image needs no more than the monitor has.
"""

import argparse
import contextlib
import os
import sys
import time

from pixo import broker, logs, startup, topics
from pixo.errors import ConfigError, TryAgain
from pixo.signals import stop_on_signals

log = logs.logger(__name__)


def main() -> int:
    """Give the exit code: done, or Kafka did not come in time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wait", type=float, default=300.0, metavar="S", help="seconds for Kafka to come")
    deadline = time.monotonic() + parser.parse_args().wait
    settings = startup.configure("topics", os.environ)
    wanted = topics.specs(settings.kafka)
    with (
        stop_on_signals() as stop,
        contextlib.closing(broker.open(settings.kafka, "pixo-topics")) as kafka,
        contextlib.closing(kafka.admin()) as admin,
    ):
        while not stop.is_set():
            try:
                admin.ensure(wanted)
            except ConfigError as error:
                log.error("topics cannot be as wanted", cause=error)  # noqa: TRY400 - not logging's
                return startup.EXIT_CONFIG
            except TryAgain as error:
                if time.monotonic() > deadline:
                    log.error("kafka did not come", kafka=settings.kafka.kafka, cause=error)  # noqa: TRY400 - likewise
                    return startup.EXIT_FATAL
                stop.wait(startup.PAUSE)
            else:
                log.event("topics are there", **{one.name: admin.partitions(one.name) for one in wanted})
                return startup.EXIT_DONE
    return startup.EXIT_FATAL


if __name__ == "__main__":
    sys.exit(main())
