"""What all roles' processes share: settings and logs at the start, waiting for their parts, heartbeats, exit codes."""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Literal, NoReturn

from pixo import __version__, injection, logs, settings, tracing
from pixo.errors import ConfigError, Fatal, TryAgain
from pixo.messages import Heartbeat
from pixo.settings import Settings
from pixo.signals import AnyStop

EXIT_DONE = 0
"""The role was told to stop and has finished what it had begun."""
EXIT_FATAL = 1
"""The role could not go on and wants to be started anew."""
EXIT_CONFIG = 78
"""A setting is wrong: starting again does not help."""
PAUSE = 0.5
"""Seconds between two tries to reach a part that does not answer."""

log = logs.logger(__name__)


def run(role: str, main: Callable[[], int]) -> NoReturn:
    """End the process with what ``main`` gives; with 1 for what is Fatal, with 78 for a setting that is wrong."""
    try:
        code = main()
    except ConfigError as error:
        sys.stderr.write(f"pixo-{role}: {error}\n")
        code = EXIT_CONFIG
    except Fatal as error:
        log.error("cannot go on", role=role, reason=error)
        code = EXIT_FATAL
    sys.exit(code)


def configure(role: str, environ: Mapping[str, str]) -> Settings:
    """Read the settings and start the logs and traces; raise ConfigError when a setting is wrong."""
    found = settings.load(environ)
    armed = injection.arm(environ)
    tracing.configure(found.process, role, found.worker_id)
    logs.configure(found.process.log_format, found.process.log_level, role)
    for name in settings.unknown(environ):
        log.warning("unknown setting", name=name)
    if armed:
        log.warning("FAULTS ARE INJECTED: this process is under test", setting=injection.VARIABLE, points=armed)
    log.event("role begins", id=found.worker_id, version=__version__)
    return found


def reach(stop: AnyStop, parts: Mapping[str, Callable[[], object]]) -> bool:
    """Wait until every part has answered once, saying once what is waited for; False when told to stop.

    Raises ConfigError where Kafka will never do what a setting asks for.
    """
    for name, ask in parts.items():
        told = False
        while True:
            try:
                ask()
            except TryAgain as error:
                if not told:
                    log.warning("waiting", part=name, reason=error)
                    told = True
                if stop.wait(PAUSE):
                    return False
            else:
                if told:
                    log.event("reached", part=name)
                break
    return True


def describe(settings: Settings, role: Literal["web", "worker", "results", "monitor"]) -> Callable[[], Heartbeat]:
    """Return what says, at every beat, what is known of any role."""
    started, host = time.time(), socket.gethostname()
    name = settings.worker_id if role == "worker" else f"{role}-{settings.worker_id}"

    def beat() -> Heartbeat:
        return Heartbeat(id=name, role=role, version=__version__, host=host, started=started, rss=resident())

    return beat


def resident() -> int:
    """Return this process's resident bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - one read, every five seconds
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
