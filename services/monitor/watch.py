"""Looks at the whole every few seconds: topics, lag, who lives, what waits; tells Redis and Prometheus."""

from collections.abc import Callable, Mapping
from typing import Any

from pixo import metrics
from pixo.broker import Admin
from pixo.errors import TryAgain
from pixo.state import State
from pixo.state.records import Worker
from pixo.topics import Topics
from services.monitor.growth import Growth
from services.monitor.lag import Ages, Place, places

PERIOD = 5.0
STALE = 7.5
"""Seconds since its last heartbeat after which a process that still counts as alive is late."""


class Watch:
    """One ``round`` is one look. ``clock`` is unix time in seconds."""

    def __init__(
        self, *, state: State, admin: Admin, topics: Topics, growth: Growth, clock: Callable[[], float]
    ) -> None:
        self._growth = growth
        self._state = state
        self._admin = admin
        self._topics = topics
        self._clock = clock
        self._ages = Ages()

    def round(self) -> None:
        """Write the snapshot that others show; raise TryAgain. Without Kafka the rest is still told."""
        now = self._clock()
        alive = self._state.workers.alive(None)
        self._tell_alive(now, alive)
        self._tell_jobs(now)
        try:
            topics = self._look()
        except TryAgain:
            self._state.cluster.write({"at": now, "kafka": False, "topics": []})
            raise
        tasks = topics[self._topics.tasks][1]
        metrics.task_oldest_age.set(self._ages.look(now, tasks))
        self._state.cluster.write(snapshot(now, topics))
        self._growth.look(sum(one.role == "worker" for one in alive), len(tasks))

    def _look(self) -> dict[str, tuple[str | None, Mapping[int, Place]]]:
        """Give group and partitions of every topic."""
        names = self._topics
        groups = {names.tasks: names.workers, names.results: names.stitchers}
        found: dict[str, tuple[str | None, Mapping[int, Place]]] = {}
        for topic in (names.tasks, names.results, names.heartbeats, names.dead_letters):
            group = groups.get(topic)
            committed = self._admin.committed(group, topic) if group else {}
            starts, ends = self._admin.starts(topic), self._admin.ends(topic)
            found[topic] = (group, places(starts, ends, committed))
            metrics.topic_partitions.labels(topic).set(len(ends))
            for partition, place in found[topic][1].items() if group else ():
                metrics.group_lag.labels(group, topic, partition).set(place.lag)
        return found

    def _tell_alive(self, now: float, alive: list[Worker]) -> None:
        ages = [now - one.seen for one in alive if one.role == "worker"]
        late = sum(age > STALE for age in ages)
        metrics.workers.labels("alive").set(len(ages) - late)
        metrics.workers.labels("stale").set(late)
        metrics.heartbeat_age.set(max(ages, default=0.0))

    def _tell_jobs(self, now: float) -> None:
        active = self._state.queue.active()
        ids = [*active, *(one.id for one in self._state.queue.candidates(1))]
        known = self._state.jobs.read_many(ids) if ids else []
        metrics.jobs_oldest_age.set(max((now - job.created for job in known if job and job.live), default=0.0))
        tallies = [tally for tally in map(self._state.jobs.tally, active) if tally]
        for state in metrics.TILE_STATES:
            metrics.tiles.labels(state).set(sum(getattr(tally, state) for tally in tallies))
        metrics.tiles_unaccounted.set(sum(tally.nowhere for tally in tallies))


def snapshot(now: float, topics: Mapping[str, tuple[str | None, Mapping[int, Place]]]) -> dict[str, Any]:
    """Give what `GET /api/v1/cluster` shows of Kafka; lag only of topics that a group consumes."""
    told = []
    for name, (group, found) in topics.items():
        lag = {str(partition): place.lag for partition, place in sorted(found.items())} if group else None
        one: dict[str, Any] = {"name": name, "partitions": len(found)}
        if lag is not None:
            one |= {"group": group, "lag": lag, "total_lag": sum(lag.values())}
        told.append(one)
    return {"at": now, "kafka": True, "topics": told}
