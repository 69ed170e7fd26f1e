"""Who runs: the servers and the role processes of one `pixo up`, with their commands and environments."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex

from pixo.settings import Settings, fields, load, variable
from services.standalone.children import Child, Launch
from services.standalone.options import Options
from services.standalone.ports import claim, free_port
from services.standalone.scraping import Targets
from services.standalone.servers import EmbeddedBroker, Server, Valkey

Show = Callable[[str, str], None]


class Fleet:
    """The servers and roles; nothing is started by making one, but ports are chosen."""

    def __init__(self, options: Options, environ: Mapping[str, str], show: Show) -> None:
        options.check()
        given = load(environ)
        self.data = options.data.absolute()
        self.host = options.host or given.web.host
        self.port = claim(self.host, given.web.port if options.port is None else options.port)
        self.kafka, kafka = _kafka(options.kafka, self.data)
        self.valkey = None if options.redis else Valkey(self.data / "valkey")
        self.environ = {
            "PIXO_STORE": (self.data / "store").as_uri(),
            "PIXO_LOG_LEVEL": "warning",
            "MALLOC_ARENA_MAX": "2",
            **environ,
            **kafka,
            "PIXO_TASKS_PARTITIONS": str(_tasks_partitions(options, given, environ)),
            "PIXO_REDIS": options.redis or (self.valkey.url if self.valkey else ""),
            **(_unset("redis_") if self.valkey else {}),
            "PIXO_HOST": self.host,
            "PIXO_PORT": str(self.port),
            "PIXO_METRICS_HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            # A crash in a library's native code says where it was called from.
            "PYTHONFAULTHANDLER": "1",
        }
        self.settings = load(self.environ)
        self.health: dict[str, int] = {}
        """The port of each role's /readyz and /metrics, by the child's name."""
        self.targets = Targets(self.data)
        shared = bool(options.redis)
        self.web, self.results, self.monitor = (self._role(role, role, show) for role in ("web", "results", "monitor"))
        self.workers = [self._role("worker", f"worker-{n + 1}", show) for n in range(options.workers)]
        self.ids = {child.name: _id(child.name, shared=shared) for child in self.roles}

    @property
    def roles(self) -> list[Child]:
        """All role processes, in the order in which they are stopped."""
        return [self.web, *self.workers, self.results, self.monitor]

    @property
    def url(self) -> str:
        """Where the page is."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - as asked for
        return f"http://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{self.port}"

    def _role(self, role: str, name: str, show: Show) -> Child:
        def launch() -> Launch:
            # A new port each time: one that was lost to somebody else is not asked for again.
            self.health[name] = free_port()
            self.targets.tell(name, self.health[name])
            cache = self.data / "cache" / name
            shutil.rmtree(cache, ignore_errors=True)
            cache.mkdir(parents=True, exist_ok=True)
            environ = {
                **self.environ,
                "PIXO_METRICS_PORT": str(self.health[name]),
                "PIXO_CACHE": str(cache),
                "WORKER_ID": self.ids[name],
            }
            # -P: a folder named "services" where the user stands is not ours.
            return Launch([sys.executable, "-P", "-m", f"services.{role}"], environ)

        return Child(name, launch, show)


def server_child(name: str, server: Server) -> Child:
    """Return the child that runs a server: its output is not shown, its environment holds nothing like a setting."""
    kept = ("PATH", "HOME", "JAVA_HOME", "TMPDIR", "LANG", "TZ")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    # The embedded broker's threads wake each other for nothing: idle, a single one costs 40 % less.
    environ["TOKIO_WORKER_THREADS"] = "1"
    return Child(name, lambda: Launch(server.command(), environ), None)


def _kafka(asked: str | None, data: Path) -> tuple[Server | None, dict[str, str]]:
    """Return the broker to start, if any, and the settings with which it is reached."""
    plain = _unset("kafka_security_", "kafka_sasl_", "kafka_tls_")
    if asked is None:
        broker = EmbeddedBroker(free_port())
        # One results process reads them all; partitions of no use cost fetches.
        extra = {
            "PIXO_KAFKA_PROFILE": "embedded",
            "PIXO_RESULTS_PARTITIONS": "1",
            "PIXO_KAFKA_BELLS": str(data / "bells"),
        }
        return broker, {"PIXO_KAFKA": broker.address, **plain, **extra}
    if asked == "apache":
        from services.standalone.apache import ApacheKafka  # noqa: PLC0415 - not everybody has Java

        apache = ApacheKafka(data / "kafka", free_port())
        return apache, {"PIXO_KAFKA": apache.address, **plain, "PIXO_KAFKA_PROFILE": "apache"}
    return None, {"PIXO_KAFKA": asked, "PIXO_KAFKA_PROFILE": "apache"}


def _unset(*prefixes: str) -> dict[str, str]:
    """Return no value for the settings whose names begin so: our own servers know no passwords and no TLS."""
    return {variable(name): "" for _, name, _ in fields() if name.startswith(prefixes)}


def _tasks_partitions(options: Options, given: Settings, environ: Mapping[str, str]) -> int:
    """Return a partition to each worker at least; more only where asked for, or where they can serve others."""
    if options.kafka is None and "PIXO_TASKS_PARTITIONS" not in environ:
        return options.workers
    return max(options.workers, given.kafka.tasks_partitions)


def _id(name: str, *, shared: bool) -> str:
    """Return a role process its id: its name, unless others meet in the same Redis."""
    return f"{socket.gethostname()}-{token_hex(2)}-{name}" if shared else name
