"""``python -m pixo.topics``: create the topics, or grow them; what a chart's Job runs, any image can do it.

Exits with 0 when all are there, with 1 when Kafka was out of reach for ``PATIENCE``, with 78 for a wrong setting.
"""

import contextlib
import os
import sys

from pixo import broker, logs, startup, topics
from pixo.errors import ConfigError, TryAgain
from pixo.topics.ensuring import ensure

PATIENCE = 120.0
"""Seconds for Kafka to come."""

log = logs.logger("pixo.topics")


def main() -> int:
    """Make them, and log how many partitions each has."""
    settings = startup.configure("topics", os.environ)
    with contextlib.closing(broker.open(settings.kafka, "pixo-topics")) as kafka:
        try:
            found = ensure(kafka.admin(), topics.specs(settings.kafka), PATIENCE)
        except TryAgain as error:
            log.error("topics not ensured", address=settings.kafka.kafka, cause=error)
            return startup.EXIT_FATAL
        except ConfigError as error:
            log.error("topics refused", cause=error)
            return startup.EXIT_CONFIG
    for name, partitions in found.items():
        log.event("topic is there", topic=name, partitions=partitions)
    return startup.EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
