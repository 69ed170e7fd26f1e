"""The server: gunicorn with one process for requests and as many threads as requests are served at once.

Scaled by replicas, not by processes, so that the figures of ``/metrics`` are of the whole replica. Everything is
opened in the process that serves, after the fork, since threads of clients do not live through one.
"""

import logging
import os
import resource
import sys
from contextlib import ExitStack, suppress
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from pixo import lifeline, logs, startup
from pixo.errors import ConfigError, Fatal
from pixo.settings import Settings

GRACE = 25
"""Seconds that requests under way have to end."""
MOST = 1000
"""Connections at once, most of them idle."""
OWN_FILES, FILES_A_REQUEST = 64, 4
FILES = 4096
"""Open files to ask the system for. Many give 1024, which a thousand connections and what they ask for exceed."""
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept; longer than proxies keep theirs, so that they never meet a closed one."""

log = logs.logger(__name__)


class Server(BaseApplication):  # type: ignore[misc] # it ships no types
    """The web role in gunicorn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: Any = None
        self._opened = ExitStack()
        super().__init__()

    def serve(self) -> int:
        """Serve until told to stop, and return the exit code."""
        try:
            self.run()
        except SystemExit as end:
            return _code(int(end.code or 0))
        except HaltServer as end:  # which gunicorn itself does not catch where it was told to stop just then
            return _code(end.exit_status)
        return startup.EXIT_DONE

    def load_config(self) -> None:
        """Set the server up; no file and no variable of its own is read."""
        web = self._settings.web
        host = f"[{web.host}]" if ":" in web.host else web.host
        options = {
            "bind": f"{host}:{web.port}",
            "workers": 1,
            "worker_class": "services.web.gunicorn_worker.Worker",
            "threads": web.web_threads,
            "worker_connections": connections(_allow_files(), web.web_threads),
            "timeout": 60,
            "graceful_timeout": GRACE,
            "keepalive": KEEP_ALIVE,
            # Its socket wants a home folder, which a container has not.
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: PTH112, S108
            "logger_class": _ServerLog,
            "when_ready": _listening,
            "post_fork": self._forked,
            "worker_exit": self._ended,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the app; called in the process that serves."""
        try:
            return self._make()
        except (ConfigError, Fatal) as error:
            sys.stderr.write(f"pixo-web: {error}\n")
            sys.stderr.flush()
            # Past the frames of the process that this one was forked from.
            os._exit(Arbiter.APP_LOAD_ERROR if isinstance(error, ConfigError) else Arbiter.WORKER_BOOT_ERROR)

    def _make(self) -> Any:
        from pixo import metrics, topics  # noqa: PLC0415 - the process that only watches needs none of this in memory
        from services.web import opening, readiness  # noqa: PLC0415
        from services.web.app import create_app  # noqa: PLC0415

        process = self._settings.process
        registry = metrics.expose("web", topics.names(self._settings.kafka))
        parts = self._opened.enter_context(opening.parts(self._settings, lambda: not self._worker.alive))
        health = readiness.health(parts)
        server = self._opened.enter_context(health.serve(process.metrics_host, process.metrics_port, registry))
        log.event("serving", threads=self._settings.web.web_threads, metrics_port=server.port)
        return create_app(parts, registry, health)

    def _forked(self, _: Any, worker: Any) -> None:
        self._worker = worker
        # By itself it would notice only seconds after the other was killed, and hold the port until then.
        lifeline.tie(worker.ppid)

    def _ended(self, _: Any, __: Any) -> None:
        self._opened.close()


class _ServerLog(Logger):  # type: ignore[misc] # likewise
    """Gunicorn's log as a part of Pixo's; its own events are not ours, its warnings are."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.WARNING)


def connections(files: int, threads: int) -> int:
    """Return how many connections to take at once, so that those that are served find files for what they do."""
    return min(MOST, max(2 * threads, files - OWN_FILES - FILES_A_REQUEST * threads))


def _allow_files() -> int:
    """Have the system allow as many open files as may be needed, if it does; return how many it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return FILES
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    with suppress(OSError, ValueError):  # then so many connections fewer
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft


def _code(gunicorns: int) -> int:
    """Return the exit code for gunicorn's own, where the process that serves could not even begin and has said why."""
    return startup.EXIT_CONFIG if gunicorns == Arbiter.APP_LOAD_ERROR else gunicorns


def _listening(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        host, port = listener.sock.getsockname()[:2]
        log.event("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/")
