"""What the monitor tells Prometheus of workers, jobs and Redis. Of Kafka it tells where it looks, in ``watch``."""

from collections import Counter
from collections.abc import Sequence

from pixo import metrics
from pixo.state import State
from pixo.state.records import Worker


def tell_workers(now: float, known: Sequence[Worker]) -> None:
    """Tell how many live, are late, are dead, and the age of the latest heartbeat of the latest of those that live."""
    states = Counter[str](one.state(now) for one in known)
    for state in metrics.WORKER_STATES:
        metrics.workers.labels(state).set(states[state])
    metrics.heartbeat_age.set(max((now - one.seen for one in known if not one.dead), default=0.0))


def tell_work(now: float, state: State) -> None:
    """Tell what waits and what is in work; raise TryAgain."""
    active = list(state.queue.active())
    metrics.jobs.labels("active").set(len(active))
    metrics.jobs.labels("waiting").set(state.queue.waiting())
    ids = [*active, *(one.id for one in state.queue.candidates(1))]
    live = [job for job in (state.jobs.read_many(ids) if ids else []) if job is not None and job.live]
    metrics.jobs_oldest_age.set(max((now - job.created for job in live), default=0.0))
    tallies = [tally for tally in map(state.jobs.tally, active) if tally]
    for where in metrics.TILE_STATES:
        metrics.tiles.labels(where).set(sum(getattr(tally, where) for tally in tallies))
    metrics.tiles_unaccounted.set(sum(tally.nowhere for tally in tallies))
    metrics.lanes.set(len(state.jobs.load(active)) if active else 0)


def tell_memory(used: int, most: int) -> None:
    """Tell the bytes that Redis uses and may use."""
    metrics.redis_memory.labels("used").set(used)
    metrics.redis_memory.labels("max").set(most)
