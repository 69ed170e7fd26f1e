"""Looking at a job and waiting for what happens to it. Changes nothing."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pixo.state import decoding, keys
from pixo.state.connection import Client, reaching
from pixo.state.records import Event, Job, Tally, TileRecord

SLICE_MS = 10_000
"""One blocking call lasts no longer, so that a dead connection is noticed."""
EVENTS = 1000
"""Those that are read at once, at most."""


class Reading:
    """Reads jobs through ``client``; waits through ``waiting``, whose calls may last ``SLICE_MS``."""

    def __init__(self, client: Client, waiting: Client) -> None:
        self._client = client
        self._waiting = waiting

    def read(self, id: str) -> Job | None:
        """Return all that is known about a job; a deleted one still has its status."""
        return self.read_many([id])[0]

    def read_many(self, ids: Sequence[str]) -> list[Job | None]:
        """Return jobs in one round trip, None for those that are gone."""
        pipeline = self._client.pipeline(transaction=False)
        for id in ids:
            pipeline.hgetall(keys.job(id))
            pipeline.hlen(keys.part(id, "tiles"))
        with reaching():
            replies = pipeline.execute()
        return [decoding.job(id, raw, count) for id, raw, count in zip(ids, replies[::2], replies[1::2], strict=True)]

    def tiles(self, id: str) -> list[TileRecord]:
        """Return every tile of a job, by number; empty if there is no such job or its tiles are gone."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hget(keys.job(id), "total")
        pipeline.hgetall(keys.part(id, "tiles"))
        pipeline.zrange(keys.part(id, "out"), 0, -1)
        pipeline.hgetall(keys.part(id, "tries"))
        with reaching():
            total, records, out, tries = pipeline.execute()
        given = {int(n) for n in out}
        names = (b"%d" % n for n in range(int(total or 0)))
        return [_tile(n, records.get(name), tries.get(name), given=n in given) for n, name in enumerate(names)]

    def tile(self, id: str, n: int) -> TileRecord:
        """Return one tile of a job that has it."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hget(keys.part(id, "tiles"), n)
        pipeline.zscore(keys.part(id, "out"), n)
        pipeline.hget(keys.part(id, "tries"), n)
        with reaching():
            record, score, tries = pipeline.execute()
        return _tile(n, record, tries, given=score is not None)

    def tally(self, id: str) -> Tally | None:
        """Count the tiles of a job at work by where they are, at one moment; None for a job that is not at work."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hmget(keys.job(id), "status", "total")
        pipeline.hvals(keys.part(id, "todo"))
        pipeline.zrange(keys.part(id, "out"), 0, -1)
        pipeline.hkeys(keys.part(id, "tiles"))
        with reaching():
            (status, total), runs, out, tiles = pipeline.execute()
        if status not in (b"processing", b"stitching"):
            return None
        given, done = set(map(int, out)), set(map(int, tiles))
        # A run may hold tiles that were finished or given out before it was made: they are not waiting.
        todo = {n for run in runs for n in decoding.run(run)} - given - done
        return Tally(len(todo), len(given), len(done), int(total) - len(todo | given | done))

    def attempts(self, id: str, tile: int) -> int:
        """Return how often an unfinished tile was begun, by whomever."""
        with reaching():
            return decoding.attempts(self._client.hget(keys.part(id, "tries"), str(tile)))

    def load(self, ids: Sequence[str]) -> dict[int, int]:
        """Return the number of tiles given out and unfinished, by lane, over these jobs."""
        pipeline = self._client.pipeline(transaction=False)
        _ask_load(pipeline, ids)
        with reaching():
            return _load(pipeline.execute())

    def read_with_load(self, id: str, ids: Sequence[str]) -> tuple[Job | None, dict[int, int]]:
        """Return what ``read`` gives of a job and what ``load`` gives of others, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(keys.job(id))
        pipeline.hlen(keys.part(id, "tiles"))
        _ask_load(pipeline, ids)
        with reaching():
            raw, count, *rest = pipeline.execute()
        return decoding.job(id, raw, count), _load(rest)

    def events(self, id: str, last: str, block_ms: int = 0) -> list[Event]:
        """Return the events after the id ``last`` (``0``: from the first that is kept), a thousand at most.

        With ``block_ms`` wait so long for the first one, but no longer than ten seconds.
        """
        stream = keys.part(id, "events")
        client = self._waiting if block_ms else self._client
        block = min(block_ms, SLICE_MS) or None
        with reaching(waiting=block is not None):
            reply: Any = client.xread({stream: last}, count=EVENTS, block=block)
        return decoding.events(reply[0][1]) if reply else []

    def wait_end(self, id: str, seconds: float) -> Job | None:
        """Return the job when it has ended, or as it stands after the time; at once if there is none."""
        deadline = time.monotonic() + seconds
        last, job = self._now(id)
        while job is not None and job.live:
            left_ms = int((deadline - time.monotonic()) * 1000)
            if left_ms <= 0:
                return job
            found = self.events(id, last, left_ms)
            if not found:
                # A stream that was lost with Redis starts anew with ids of its own: look again.
                last, job = self._now(id)
                continue
            last = found[-1].id
            if any(event.kind == "done" for event in found):
                job = self.read(id)
        return job if job is None or not job.live else self.read(id)

    def _now(self, id: str) -> tuple[str, Job | None]:
        # The last event first: what happens between the two reads is then seen as a new event.
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xrevrange(keys.part(id, "events"), count=1)
        pipeline.hgetall(keys.job(id))
        pipeline.hlen(keys.part(id, "tiles"))
        with reaching():
            newest, raw, count = pipeline.execute()
        return (newest[0][0].decode() if newest else "0"), decoding.job(id, raw, count)


def _tile(n: int, record: bytes | None, tries: bytes | None, *, given: bool) -> TileRecord:
    if record is not None:
        return decoding.tile(n, record, tries)
    return TileRecord(tile=n, state="active" if given else "waiting", attempts=decoding.attempts(tries))


def _ask_load(pipeline: Client, ids: Sequence[str]) -> None:
    for id in ids:
        pipeline.zrange(keys.part(id, "out"), 0, -1, withscores=True)


def _load(replies: Sequence[Any]) -> dict[int, int]:
    return dict(Counter(int(score) >> 40 for reply in replies for _, score in reply))
