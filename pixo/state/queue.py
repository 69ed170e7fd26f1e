"""The jobs that wait, those that are active, and all of them. Indexes only: the job's hash is the truth."""

from importlib import resources
from typing import NamedTuple

from pixo.state import keys
from pixo.state.connection import Client, reaching

SMALL, BULK = 0, 1


class Candidate(NamedTuple):
    """A job that waits."""

    id: str
    small: bool


class Page(NamedTuple):
    """Part of the list of jobs."""

    ids: list[str]
    cursors: list[str]
    """Behind each of them, where the next part begins."""
    more: bool

    @property
    def cursor(self) -> str | None:
        """Where the next part begins, None at the end."""
        return self.cursors[-1] if self.more else None


class Queue:
    """The three indexes. Each method touches one key (some: two, in one pipeline)."""

    def __init__(self, client: Client) -> None:
        self._client = client
        scripts = resources.files("pixo.state.scripts")
        self._claim = client.register_script(scripts.joinpath("claim.lua").read_text("utf-8"))
        self._heads = client.register_script(scripts.joinpath("heads.lua").read_text("utf-8"))

    def enrol(self, id: str, created_ms: int, small: bool, weight: int) -> None:  # noqa: FBT001
        """Queue a job. Large jobs are put back by their weight, by ten minutes at most: none waits for ever."""
        start = created_ms + (0 if small else min(2000 * weight, 600_000))
        # Half a millisecond marks a bulk job, so that the index alone tells the class.
        with reaching():
            self._client.zadd(keys.WAITING, {id: start if small else start + 0.5})

    def candidates(self, count: int = 8) -> list[Candidate]:
        """Return the first small and the first bulk jobs that wait, ``count`` of each at most, best first."""
        with reaching():
            reply = self._heads(keys=[keys.WAITING], args=[count])
        return [Candidate(id.decode(), not bulk) for id, bulk in zip(reply[::2], reply[1::2], strict=True)]

    def claim(self, id: str, small: bool, limit: int, reserve: int) -> bool:  # noqa: FBT001
        """Make a job active if there is a slot for its class, or if it is active already.

        Active jobs are at most ``limit``, bulk ones at most ``limit - reserve``.
        """
        with reaching():
            return bool(self._claim(keys=[keys.ACTIVE], args=[id, SMALL if small else BULK, limit, reserve]))

    def leave(self, id: str) -> list[str]:
        """Take a claimed job out of the queue. Return the jobs that are active now."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zrem(keys.WAITING, id)
        pipeline.zrange(keys.ACTIVE, 0, -1)
        with reaching():
            _, active = pipeline.execute()
        return [one.decode() for one in active]

    def release(self, id: str) -> bool:
        """Take an ended job out of active and waiting; return whether it was in either."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zrem(keys.ACTIVE, id)
        pipeline.zrem(keys.WAITING, id)
        with reaching():
            return any(pipeline.execute())

    def activate(self, id: str, small: bool) -> None:  # noqa: FBT001
        """Make a job active without asking for a slot: it runs already (a sweep found it)."""
        with reaching():
            self._client.zadd(keys.ACTIVE, {id: SMALL if small else BULK})

    def active(self) -> dict[str, bool]:
        """Return the active jobs and whether they are small."""
        with reaching():
            found = self._client.zrange(keys.ACTIVE, 0, -1, withscores=True)
        return {id.decode(): score == SMALL for id, score in found}

    def waiting(self) -> int:
        """Return the number of jobs that wait."""
        with reaching():
            return int(self._client.zcard(keys.WAITING))

    def crowded(self) -> bool:
        """Return whether more than one job is active, or any waits; one that has just ended may still be active."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zcard(keys.ACTIVE)
        pipeline.zcard(keys.WAITING)
        with reaching():
            active, waiting = pipeline.execute()
        return bool(active > 1 or waiting)

    def first(self, count: int) -> list[str]:
        """Return the first jobs that wait, so many at most, best first."""
        with reaching():
            return [id.decode() for id in self._client.zrange(keys.WAITING, 0, count - 1)]

    def enrolled(self, id: str) -> bool:
        """Return whether the job waits or is active."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zscore(keys.ACTIVE, id)
        pipeline.zscore(keys.WAITING, id)
        with reaching():
            return any(score is not None for score in pipeline.execute())

    def compared(self) -> bool:
        """Return whether the lists were compared with the store; not when new, or the server lost its memory."""
        with reaching():
            return bool(self._client.exists(keys.COMPARED))

    def note_compared(self) -> None:
        """Take note that the lists have been compared with the store."""
        with reaching():
            self._client.set(keys.COMPARED, 1)

    def add(self, id: str, created_ms: int) -> None:
        """List a job."""
        with reaching():
            self._client.zadd(keys.JOBS, {id: created_ms})

    def remove(self, id: str) -> None:
        """List a job no more."""
        with reaching():
            self._client.zrem(keys.JOBS, id)

    def listed(self, id: str) -> bool:
        """Return whether a job is listed."""
        with reaching():
            return self._client.zscore(keys.JOBS, id) is not None

    def size(self) -> int:
        """Return the number of listed jobs."""
        with reaching():
            return int(self._client.zcard(keys.JOBS))

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Return listed jobs, newest first, from where the cursor of the page before points.

        A cursor stays good when jobs come or go, its own job too. Raise ValueError for one that was not given here.
        """
        first = self._after(cursor) if cursor else 0
        with reaching():
            found = self._client.zrevrange(keys.JOBS, first, first + limit, withscores=True)
        ids = [id.decode() for id, _ in found[:limit]]
        cursors = [f"{int(score)}.{id}" for id, (_, score) in zip(ids, found, strict=False)]
        return Page(ids, cursors, more=len(found) > limit)

    def _after(self, cursor: str) -> int:
        score, _, id = cursor.partition(".")
        created_ms = int(score)
        with reaching():
            rank = self._client.zrevrank(keys.JOBS, id)
            if rank is not None:
                return int(rank) + 1
            newer = int(self._client.zcount(keys.JOBS, f"({created_ms}", "+inf"))
            # Of one millisecond the list has the greater id first.
            same = self._client.zrangebyscore(keys.JOBS, created_ms, created_ms)
            return newer + len([other for other in same if other > id.encode()])
