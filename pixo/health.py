"""Health: is the process alive, can it take work; ``/healthz``, ``/readyz``, ``/metrics`` on their own port.

The two questions stay apart. Alive means that its loops turn: no means "start me again", so nothing outside
the process may decide it. Ready means that it has joined: no means "send me no work yet".
"""

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from pixo.errors import ConfigError, Fatal, PixoError

Check = Callable[[], bool | str]
"""True when all is well; False, or a text that says what is wrong; a PixoError says it too. Must be quick."""


class Report(NamedTuple):
    """What the checks said."""

    ok: bool
    checks: dict[str, str]
    """``ok`` or what is wrong, by the check's name."""

    def body(self) -> bytes:
        """Return the report as the JSON that the two addresses answer."""
        return msgspec.json.encode({"status": "ok" if self.ok else "failing", "checks": self.checks}) + b"\n"


class Page(NamedTuple):
    """An answer of the health server."""

    status: int
    kind: str
    body: bytes


Pages = Mapping[str, Callable[[str], Page]]
"""From a path to what answers it, given the request's Accept header."""


class HealthServer:
    """A small HTTP server in threads of its own; a context manager. It logs nothing.

    Raises Fatal where it cannot listen: the port may be free again when the process is started anew. Raises ConfigError
    for a host's name with characters that none has.
    """

    def __init__(self, pages: Pages, host: str, port: int) -> None:
        server = _Server6 if ":" in host else _Server
        try:
            self._server = server((host, port), type("Handler", (_Handler,), {"pages": pages}))
        except (UnicodeError, TypeError) as error:  # either, by the version of Python
            raise ConfigError(f"PIXO_METRICS_HOST={host!r}: no name of a host") from error
        except OSError as error:
            reason = error.strerror or error
            raise Fatal(f"cannot listen on PIXO_METRICS_HOST={host} PIXO_METRICS_PORT={port}: {reason}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.25,), name="health", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Health:
    """The named checks of a process: ``checks`` say that it is ready, ``alive`` that its loops turn.

    A process that is not alive is not ready either.
    """

    def __init__(self, checks: Mapping[str, Check], alive: Mapping[str, Check] | None = None) -> None:
        self._checks = dict(checks)
        self._alive = dict(alive or {})

    def live(self) -> Report:
        """Return whether the process should be left running."""
        return _ask(self._alive)

    def ready(self) -> Report:
        """Return whether the process can take work."""
        return _ask({**self._alive, **self._checks})

    def serve(self, host: str, port: int, registry: CollectorRegistry) -> HealthServer:
        """Answer for this health and these metrics on the address; port 0 takes a free one."""

        def metrics(accept: str) -> Page:
            encode, kind = choose_encoder(accept)
            return Page(200, kind, encode(registry))

        pages: Pages = {
            "/healthz": lambda _: _page(self.live()),
            "/readyz": lambda _: _page(self.ready()),
            "/metrics": metrics,
        }
        return HealthServer(pages, host, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a prober that hung up before a slow answer was there; print what is a mistake."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    timeout = 10

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        answer = page(self.headers.get("Accept", "")) if page else Page(404, "text/plain", b"not found\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815 - the base class names it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing: a probe every few seconds is no event."""


def _page(report: Report) -> Page:
    return Page(200 if report.ok else 503, "application/json", report.body())


def _ask(checks: Mapping[str, Check]) -> Report:
    said = {name: _answer(check) for name, check in checks.items()}
    return Report(ok=all(text == "ok" for text in said.values()), checks=said)


def _answer(check: Check) -> str:
    try:
        answer = check()
    except PixoError as error:
        return str(error) or type(error).__name__
    if answer is True:
        return "ok"
    return answer or "failing"
