"""Who is alive: records that live 15 s and are renewed with every heartbeat; and who died lately."""

import time

import msgspec
from msgspec.structs import replace

from pixo.messages import Heartbeat
from pixo.state import keys
from pixo.state.connection import Client, reaching
from pixo.state.records import Worker

LIFE_S = 15
MEMORY_S = 300
"""Seconds for which the dead are remembered."""


class Workers:
    """The processes that beat: a record of each, a sign of life that ends by itself, and a set of ids as an index."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def beat(self, heartbeat: Heartbeat, seen: float | None = None) -> None:
        """Renew the record of the process, or drop it if it is stopping. ``seen``: when it beat, now if not given."""
        if heartbeat.stopping:
            self.forget(heartbeat.id)
            return
        when = time.time() if seen is None else seen
        known = {name: getattr(heartbeat, name) for name in Worker.__struct_fields__ if hasattr(heartbeat, name)}
        record = msgspec.json.encode(Worker(**known, seen=when))
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.worker(heartbeat.id), record, ex=LIFE_S)
        pipeline.set(keys.last_words(heartbeat.id), record, ex=LIFE_S + MEMORY_S)
        pipeline.zadd(keys.WORKERS, {heartbeat.id: when})
        with reaching():
            pipeline.execute()

    def forget(self, id: str) -> None:
        """Drop the record of a process."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(keys.worker(id), keys.last_words(id))
        pipeline.zrem(keys.WORKERS, id)
        with reaching():
            pipeline.execute()

    def alive(self, role: str | None = "worker") -> list[Worker]:
        """Return the processes of a role (None: of all) that beat in the last 15 s, by id."""
        return [one for one in self.known(role) if not one.dead]

    def known(self, role: str | None = "worker") -> list[Worker]:
        """Return the processes of a role that are alive, and those that died in the last five minutes, by id."""
        with reaching():
            ids = [id.decode() for id in sorted(self._client.zrange(keys.WORKERS, 0, -1))]
            wanted = [key for id in ids for key in (keys.worker(id), keys.last_words(id))]
            records = self._client.mget(wanted) if wanted else []
            found = [_worker(*pair) for pair in zip(records[::2], records[1::2], strict=True)]
            forgotten = [id for id, worker in zip(ids, found, strict=True) if worker is None]
            if forgotten:
                self._client.zrem(keys.WORKERS, *forgotten)
        return [one for one in found if one is not None and role in (None, one.role)]


def _worker(alive: bytes | None, last: bytes | None) -> Worker | None:
    """Return the process of its two records."""
    if alive is not None:
        return msgspec.json.decode(alive, type=Worker)
    return None if last is None else replace(msgspec.json.decode(last, type=Worker), dead=True, partitions=[], busy=0.0)
