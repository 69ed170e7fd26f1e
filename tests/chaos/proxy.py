"""A proxy before an HTTP server on this machine that makes answers slow, wrong or missing, when told to."""

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Mood = Literal["well", "slow", "error", "reset"]
SLOW = 1.5
"""Seconds by which a slow answer is late."""


class FaultProxy:
    """Passes requests on to a port of this machine; a context manager. ``mood`` may be set at any time."""

    def __init__(self, upstream: int) -> None:
        self.mood: Mood = "well"
        self.harmed: Counter[Mood] = Counter()
        """How many requests had to suffer."""
        handler = type("Handler", (_Handler,), {"proxy": self, "upstream": upstream})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="proxy", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are broken off here by design."""


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    upstream: int
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._server_side = http.client.HTTPConnection("127.0.0.1", self.upstream)

    def finish(self) -> None:
        self._server_side.close()
        with contextlib.suppress(OSError):  # reset above
            super().finish()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mood = self.proxy.mood
        if mood != "well":
            self.proxy.harmed[mood] += 1
        match mood:
            case "reset":
                # With nothing to linger for, closing sends a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            case "error":
                self._answer(500, [("Content-Type", "text/plain")], b"out of order")
                return
            case "slow":
                time.sleep(SLOW)  # the fault itself
        self._server_side.request(self.command, self.path, body, dict(self.headers.items()))
        answer = self._server_side.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        self._answer(answer.status, kept, answer.read(), answer.getheader("Content-Length"))

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the base class names them

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        # The answer to HEAD tells the length of what it does not send.
        self.send_header("Content-Length", (length or "0") if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing: requests are no event."""


_HOP = ("content-length", "transfer-encoding", "connection", "keep-alive")
