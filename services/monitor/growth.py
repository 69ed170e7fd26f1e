"""Adds partitions to `tasks` where more workers live than it has: the others could never be given anything."""

from collections.abc import Callable

from msgspec.structs import replace

from pixo import logs
from pixo.broker import Admin
from pixo.topics import Topic

SETTLED = 30.0
"""Seconds that workers must have been too many: twice as long as one that was killed is still counted."""

log = logs.logger(__name__)


class Growth:
    """Grows the topic up to ``most`` partitions; 0 is never. ``clock`` is in seconds.

    Partitions cannot be taken away again, so it goes by the fewest workers of the whole while.
    """

    def __init__(self, admin: Admin, topic: Topic, most: int, clock: Callable[[], float]) -> None:
        self._admin = admin
        self._topic = topic
        self._most = most
        self._clock = clock
        self._since: float | None = None
        self._fewest = 0

    def look(self, workers: int, partitions: int) -> None:
        """Take note of how many there are, and grow the topic if that has lasted; raise TryAgain("kafka")."""
        wanted = min(workers, self._most)
        if wanted <= partitions:
            self._since = None
            return
        if self._since is None:
            self._since, self._fewest = self._clock(), wanted
        self._fewest = min(self._fewest, wanted)
        if self._clock() - self._since < SETTLED:
            return
        self._admin.ensure([replace(self._topic, partitions=self._fewest)])
        log.event("tasks grown for more workers", partitions=self._fewest, before=partitions, most=self._most)
        self._since = None
