"""`pixo up`: put the parts together and run them."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Mapping

from pixo import broker, logs, state
from pixo.errors import TryAgain
from pixo.settings import Settings
from pixo.topics import specs
from services.standalone import address
from services.standalone.children import Child
from services.standalone.fleet import Fleet, Show, server_child
from services.standalone.joining import Joining
from services.standalone.options import Options
from services.standalone.ports import FolderLock
from services.standalone.recycle import BOUND, Recycler
from services.standalone.servers import EmbeddedBroker, Server
from services.standalone.supervisor import Rank, Supervisor

log = logs.logger(__name__)


def up(options: Options, environ: Mapping[str, str]) -> None:
    """Run everything until told to stop; raise ConfigError when it cannot start."""
    with FolderLock(options.data.absolute()):
        fleet = Fleet(options, environ, _show(json=environ.get("PIXO_LOG_FORMAT") == "json"))
        process = fleet.settings.process
        logs.configure(process.log_format, process.log_level, "up")
        for server in filter(None, (fleet.valkey, fleet.kafka)):
            server.prepare()
        address.tell(fleet.data, fleet.environ)
        try:
            asyncio.run(_run(fleet, options))
        finally:
            address.forget(fleet.data)


async def _run(fleet: Fleet, options: Options) -> None:
    settings = fleet.settings
    valkey = _pair("valkey", fleet.valkey)
    kafka = _pair("broker", fleet.kafka)
    recycler = kafka and Recycler(
        kafka[1],
        kafka[0],
        fleet.roles,
        ensure=lambda: ensure(settings),
        idle=lambda: _idle(settings),
        bound=BOUND if isinstance(fleet.kafka, EmbeddedBroker) else None,
    )
    joining = Joining(
        [role.name for role in fleet.roles],
        fleet.health,
        [fleet.ids[worker.name] for worker in fleet.workers],
        settings.redis,
        since=time.time(),
    )
    supervisor = Supervisor(
        valkey=valkey,
        broker=(kafka[1], recycler) if kafka and recycler else None,
        connect=lambda: ensure(settings),
        roles=fleet.roles,
        ranks=[
            Rank([fleet.web], 15),
            Rank(fleet.workers, 30),
            Rank([fleet.results], 30),
            Rank([fleet.monitor], 10),
            Rank([kafka[1]] if kafka else [], 15),
            Rank([valkey[1]] if valkey else [], 15),
        ],
        missing=joining.missing,
        announce=lambda: print(_ready_line(fleet, options), flush=True),
    )
    await supervisor.run()


def ensure(settings: Settings) -> None:
    """Make the topics as the settings say; raise TryAgain when Kafka is out of reach."""
    with contextlib.closing(broker.open(settings.kafka, "pixo-up")) as kafka:
        kafka.admin().ensure(specs(settings.kafka))


def _idle(settings: Settings) -> bool:
    """Return whether no job is in work or waits; not when it cannot be known."""
    with contextlib.closing(state.open(settings.redis, patient=False)) as shared:
        try:
            return not shared.queue.active() and not shared.queue.waiting()
        except TryAgain:
            return False


def _pair(name: str, server: Server | None) -> tuple[Server, Child] | None:
    return (server, server_child(name, server)) if server else None


def _show(*, json: bool) -> Show:
    """Return what passes a child's lines on: under its name, unless a machine reads them."""

    def show(name: str, line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone: nobody reads
            print(line if json else f"{name:<9}| {line}", file=sys.stderr, flush=True)

    return show


def _ready_line(fleet: Fleet, options: Options) -> str:
    count = f"{options.workers} worker{'s' if options.workers > 1 else ''}"
    data = options.data if options.data.is_absolute() else f"./{options.data}"
    return f"Pixo is ready: {fleet.url}  ({count}, data in {data})"
