"""Surveys the installation every few seconds: topics, lag, live workers, queues; reports to Redis and Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pixo import metrics
from pixo.broker import Admin
from pixo.errors import TryAgain
from pixo.state import State
from pixo.topics import Topics
from services.monitor import figures
from services.monitor.growth import Growth
from services.monitor.lag import Ages, Place, places

PERIOD = 5.0


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
        """Write the snapshot that others show; raise TryAgain. Of what can be reached is told, whatever cannot."""
        now = self._clock()
        with reached("redis"):
            workers = self._state.workers.known()
            figures.tell_workers(now, workers)
            figures.tell_work(now, self._state)
            figures.tell_memory(*self._state.memory())
        try:
            with reached("kafka"):
                topics = self._look()
        except TryAgain:
            self._state.cluster.write({"at": now, "kafka": False, "topics": []})
            raise
        tasks = topics[self._topics.tasks][1]
        metrics.task_oldest_age.set(self._ages.look(now, tasks))
        self._state.cluster.write(snapshot(now, topics))
        self._growth.look(sum(not one.dead for one in workers), len(tasks))

    def _look(self) -> dict[str, tuple[str | None, Mapping[int, Place]]]:
        """Return group and partitions of every topic."""
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


@contextmanager
def reached(part: str) -> Iterator[None]:
    """Take note whether the part was reached."""
    try:
        yield
    except TryAgain as error:
        metrics.part_up.labels(error.part).set(0)
        raise
    metrics.part_up.labels(part).set(1)


def snapshot(now: float, topics: Mapping[str, tuple[str | None, Mapping[int, Place]]]) -> dict[str, Any]:
    """Return what `GET /api/v1/cluster` shows of Kafka; lag only of topics that a group consumes."""
    told = []
    for name, (group, found) in topics.items():
        lag = {str(partition): place.lag for partition, place in sorted(found.items())} if group else None
        one: dict[str, Any] = {"name": name, "partitions": len(found)}
        if lag is not None:
            one |= {"group": group, "lag": lag, "total_lag": sum(lag.values())}
        told.append(one)
    return {"at": now, "kafka": True, "topics": told}
