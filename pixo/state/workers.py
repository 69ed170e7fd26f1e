"""Who is alive: records that live 15 s and are renewed with every heartbeat."""

import time

import msgspec

from pixo.messages import Heartbeat
from pixo.state import keys
from pixo.state.connection import Client, reaching
from pixo.state.records import Worker

LIFE_S = 15


class Workers:
    """The processes that beat. The record is the truth, the set of ids only an index of it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def beat(self, heartbeat: Heartbeat, seen: float | None = None) -> None:
        """Renew the record of the process, or drop it if it is stopping. ``seen``: when it beat, now if not given."""
        if heartbeat.stopping:
            self.forget(heartbeat.id)
            return
        when = time.time() if seen is None else seen
        known = {name: getattr(heartbeat, name) for name in Worker.__struct_fields__ if name != "seen"}
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.worker(heartbeat.id), msgspec.json.encode(Worker(**known, seen=when)), ex=LIFE_S)
        pipeline.zadd(keys.WORKERS, {heartbeat.id: when})
        with reaching():
            pipeline.execute()

    def forget(self, id: str) -> None:
        """Drop the record of a process."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(keys.worker(id))
        pipeline.zrem(keys.WORKERS, id)
        with reaching():
            pipeline.execute()

    def alive(self, role: str | None = "worker") -> list[Worker]:
        """Give the processes of a role (None: of all) that beat in the last 15 s, by id."""
        with reaching():
            ids = sorted(self._client.zrange(keys.WORKERS, 0, -1))
            records = self._client.mget([keys.worker(id.decode()) for id in ids]) if ids else []
            dead = [id for id, record in zip(ids, records, strict=True) if record is None]
            if dead:
                self._client.zrem(keys.WORKERS, *dead)
        found = [msgspec.json.decode(record, type=Worker) for record in records if record is not None]
        return [one for one in found if role is None or one.role == role]
