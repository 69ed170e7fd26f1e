"""gunicorn's threaded worker, with time limits for slow clients."""

import errno
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from socket import SHUT_RDWR
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from pixo import logs
from services.web import patience

LONGEST = 10.0
"""Seconds from when a thread takes a connection until the head of its request is there, whole."""
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REST = 0.05
"""Seconds in which no connection is taken where there is no room for one: it would be offered again at once."""
_SAID = 30.0
"""Seconds between two lines about that."""

log = logs.logger(__name__)


class Worker(ThreadWorker):  # type: ignore[misc] # it ships no types
    """Ends connections whose heads come too slowly, which gunicorn reads without a timeout.

    What follows the head has bounds of its own: ``intake`` for bodies, ``patience`` for both ways. A connection's end
    is waited for, as gunicorn does for up to 2 s, by the thread that served it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._heads: dict[Any, float] = {}
        self._said = -_SAID

    def accept(self, listener: Any) -> None:
        """Take a new connection; one for which there is no file left waits, where gunicorn's process would end."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            if time.monotonic() - self._said >= _SAID:
                self._said = time.monotonic()
                log.warning("connections wait", reason=error.strerror, connections=self.nr_conns)
            time.sleep(_REST)

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread take a connection that has something to read; watch a new one until it has.

        Gunicorn has a thread wait for that, for 5 s: whoever opens many and says nothing would take all threads.
        """
        if not isinstance(conn.sock, patience.Connection):
            conn.sock = patience.Connection.over(conn.sock)
        if conn.data_ready or conn.initialized:
            super().enqueue_req(conn)
            return
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: Any) -> Any:
        """Serve a connection's next request, in a thread of its own."""
        self._heads[conn] = time.monotonic() + LONGEST
        try:
            kept = super().handle(conn)
        finally:
            self._heads.pop(conn, None)
        if not kept:  # left to gunicorn, it is done by the one thread that watches all connections
            conn.close(graceful=True)
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; its head has been read."""
        self._heads.pop(conn, None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Be called every second or more often, by the thread that watches the connections."""
        if not self.alive:  # those that have asked for nothing keep nobody from stopping
            for conn in self.pending_conns:
                conn.timeout = 0.0
        super().murder_pending()
        now = time.monotonic()
        for conn, until in self._heads.copy().items():
            if now > until:
                with suppress(OSError):  # gone already
                    conn.sock.shutdown(SHUT_RDWR)  # whoever reads from it reads an end
