"""A whole Pixo of real processes, each of which the test owns: Valkey, web, workers, results, monitor."""

import sys
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from secrets import token_hex

from pixo import settings, state, store, topics
from services.standalone.servers import Valkey
from tests.chaos.parts import Part, end
from tests.conftest import free_port
from tests.waiting import until

PARTITIONS = 8


class Installation:
    """The roles over the Kafka of this address; ``environ`` goes before the harness's own settings.

    Not started by making one. ``parts`` has everything that can be killed but Kafka, by name.
    """

    def __init__(
        self,
        folder: Path,
        kafka: str,
        *,
        workers: int = 3,
        results: int = 1,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        valkey = Valkey(folder / "valkey", free_port())
        valkey.prepare()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environ = {
            "PIXO_KAFKA": kafka,
            "PIXO_TOPIC_PREFIX": f"{token_hex(4)}-",
            "PIXO_TASKS_PARTITIONS": str(PARTITIONS),
            "PIXO_RESULTS_PARTITIONS": "2",
            "PIXO_REDIS": valkey.url,
            "PIXO_STORE": f"file://{folder}/store",
            "PIXO_PORT": str(port),
            "PYTHONFAULTHANDLER": "1",
            "MALLOC_ARENA_MAX": "2",  # as in the images, and by `pixo up`
            **(environ or {}),
        }
        self.settings = settings.load(self.environ)
        self.topics = topics.names(self.settings.kafka)
        self.state = state.open(self.settings.redis)
        self.store = store.open(self.settings.store)
        self.valkey = Part("valkey", valkey.command(), folder / "valkey.log", valkey.ready)
        self.web = self._role("web", "web")
        self.monitor = self._role("monitor", "monitor")
        self.results = [self._role("results", f"results-{n + 1}") for n in range(results)]
        self.workers = [self._role("worker", f"worker-{n + 1}") for n in range(workers)]

    @property
    def parts(self) -> dict[str, Part]:
        """All parts by name."""
        return {part.name: part for part in (self.valkey, self.web, self.monitor, *self.results, *self.workers)}

    def start(self) -> None:
        """Start what does not run, and anew what has faults; return when the workers share all partitions."""
        parts = self.parts.values()
        armed = [part for part in parts if part.faults]
        end(armed)
        for part in armed:
            part.faults = ""
        for part in parts:
            if part.alive:
                part.thaw()  # a test that failed may have left it so
            part.start()
        for part in parts:
            part.up()
        self.shared(len(self.workers))

    @property
    def roles(self) -> list[Part]:
        """The parts that are Pixo's own."""
        return [self.web, self.monitor, *self.results, *self.workers]

    def another(self, role: str, name: str) -> Part:
        """Give one more process of a role, which is the caller's to start and stop."""
        return self._role(role, name)

    def shared(self, workers: int) -> None:
        """Return when so many workers, and none besides, hold all partitions among them."""

        def so() -> bool:
            held = {one.id: one.partitions for one in self.state.workers.alive()}
            every = sorted(p for partitions in held.values() for p in partitions)
            wide = int(self.environ["PIXO_TASKS_PARTITIONS"])
            return len(held) == workers and every == list(range(wide)) and all(held.values())

        until(so, f"{workers} workers share the partitions")

    def held(self, worker: Part) -> list[int]:
        """Give the partitions that a worker holds, as its last heartbeat said."""
        return next((one.partitions for one in self.state.workers.alive() if one.id == worker.name), [])

    def stop(self) -> None:
        """End all; they may be started again."""
        end(self.roles)
        end([self.valkey])

    def close(self) -> None:
        """End all for good."""
        self.stop()
        self.state.close()

    def tails(self) -> str:
        """Give the last words of all parts, for a test that failed."""
        return "\n".join(f"== {part.name}, ended with {part.codes}\n{part.tail()}" for part in self.parts.values())

    def _role(self, role: str, name: str) -> Part:
        port = free_port()

        def ready() -> bool:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                try:
                    connection.request("GET", "/readyz")
                    return connection.getresponse().status == 200
                except (OSError, HTTPException):
                    return False

        environ = {**self.environ, "PIXO_METRICS_PORT": str(port), "WORKER_ID": name}
        command = [sys.executable, "-m", f"services.{role}"]
        return Part(name, command, self.folder / f"{name}.log", ready, environ)
