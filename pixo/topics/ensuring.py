"""Makes the topics be as they should, with the patience of an installation in which Kafka is still starting."""

import time
from collections.abc import Callable, Sequence

from pixo.broker import Admin
from pixo.errors import TryAgain
from pixo.topics import Topic


def ensure(
    admin: Admin,
    wanted: Sequence[Topic],
    patience: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, int]:
    """Create what is missing, grow what is short; return how many partitions each topic has.

    Tries for ``patience`` seconds, at least once, then raises the last TryAgain; ConfigError comes at once.
    """
    deadline = clock() + patience
    while True:
        try:
            admin.ensure(wanted)
            return {topic.name: admin.partitions(topic.name) for topic in wanted}
        except TryAgain:
            if clock() > deadline:
                raise
        sleep(1)
