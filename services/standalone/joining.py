"""Has everything joined: every role says it is ready, and every worker holds partitions."""

import contextlib
import http.client
from collections.abc import Mapping, Sequence

from pixo import state
from pixo.errors import TryAgain
from pixo.settings import Redis


class Joining:
    """Asks from outside, as a user's first request would find it. Takes at most a second a role."""

    def __init__(self, health: Mapping[str, int], workers: Sequence[str], redis: Redis) -> None:
        self._health = health
        self._workers = frozenset(workers)
        self._redis = redis

    def missing(self) -> list[str]:
        """Give the names of those that have not joined."""
        unready = [name for name, port in self._health.items() if not _ready(port)]
        return unready or sorted(self._workers - self._holding())

    def _holding(self) -> frozenset[str]:
        """Give the ids of the workers that hold partitions, as those who cut jobs into lanes see it."""
        with contextlib.closing(state.open(self._redis, patient=False)) as shared:
            try:
                return frozenset(worker.id for worker in shared.workers.alive() if worker.partitions)
            except TryAgain:
                return frozenset()


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
