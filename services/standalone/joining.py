"""Whether everything has joined: every role is ready, and every worker holds partitions."""

import contextlib
import http.client
from collections.abc import Mapping, Sequence

from pixo import state
from pixo.errors import TryAgain
from pixo.settings import Redis


class Joining:
    """Asks from outside, as a user's first request would find it. Takes at most a second a role."""

    def __init__(
        self, roles: Sequence[str], health: Mapping[str, int], workers: Sequence[str], redis: Redis, since: float
    ) -> None:
        """Ask all roles by name; ``health`` has their ports once they are started, ``workers`` are ids.

        ``since`` is the Unix time before which nobody was started: of a former run, killed a moment ago, Redis still
        holds records.
        """
        self._roles = roles
        self._health = health
        self._workers = frozenset(workers)
        self._redis = redis
        self._since = since

    def missing(self) -> list[str]:
        """Return the names of those that have not joined."""
        unready = [name for name in self._roles if name not in self._health or not _ready(self._health[name])]
        return unready or sorted(self._workers - self._holding())

    def _holding(self) -> frozenset[str]:
        """Return the ids of the workers that hold partitions, as those who cut jobs into lanes see it."""
        with contextlib.closing(state.open(self._redis, patient=False)) as shared:
            try:
                alive = shared.workers.alive()
                return frozenset(worker.id for worker in alive if worker.partitions and worker.started >= self._since)
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
