"""The small shared state in Redis or Valkey: jobs, the queue, workers. ``open`` is the door.

The rules are those of docs/adr/0004; every change of a job is one script (``scripts/*.lua``).
"""

from pixo.settings import Redis as Settings
from pixo.state.cluster import Cluster
from pixo.state.connection import Client, connect
from pixo.state.durable import Durable
from pixo.state.idempotency import Idempotency
from pixo.state.jobs import Jobs
from pixo.state.queue import Queue
from pixo.state.reading import SLICE_MS
from pixo.state.scripts import Scripts
from pixo.state.server import Server
from pixo.state.workers import Workers


class State(Server):
    """Everything in Redis, by subject."""

    def __init__(self, client: Client, waiting: Client, clock: str | None = None) -> None:
        super().__init__(client)
        self._others = waiting
        self.jobs = Jobs(client, waiting, Scripts(client, Durable(client), clock))
        self.queue = Queue(client)
        self.workers = Workers(client)
        self.idempotency = Idempotency(client)
        self.cluster = Cluster(client)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._others.close()


def open(settings: Settings, *, patient: bool = True) -> State:  # noqa: A001 - `state.open` reads well
    """Return the state; nothing is sent yet. ``patient=False`` for web, which refuses rather than waits."""
    waiting = connect(settings, patient=patient, answer_s=SLICE_MS / 1000 + 5)
    return State(connect(settings, patient=patient), waiting)
