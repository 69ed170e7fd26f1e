"""How slow a connection may be: each request holds a thread."""

import errno
import fcntl
import os
import select
import socket
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from flask import Flask, request

STILL = 30.0
"""Seconds without a byte, either way, after which a connection is given up."""
SLOWEST = 16_384
"""Bytes a second that an upload or an answer has on average, or it is given up: else a few bytes now and then hold a
thread for ever."""
START = 60.0
"""Seconds in which it may be slower."""


def too_slow(moved: int, seconds: float) -> bool:
    """Tell whether so many bytes in so many seconds are too few."""
    return seconds > START and moved < SLOWEST * (seconds - START)


class Connection(socket.socket):
    """A socket whose sending fails only when no byte moved for a timeout, or too few in all that it waited.

    Python's own gives a whole ``sendall`` one timeout, and the system calls a socket full until a third of its buffer
    is free, which may be a megabyte: slow, steady readers would be cut off. Raises BrokenPipeError, as when the reader
    has gone.
    """

    sent = 0
    """Bytes of the answer under way, of which the other side may not have taken all."""
    waited = 0.0
    """Seconds that sending them took; what the server itself took to have them is not the reader's."""

    @classmethod
    def over(cls, plain: socket.socket) -> Self:
        """Give one in the place of another, which is not to be used any more."""
        timeout = plain.gettimeout()
        connection = cls(plain.family, plain.type, plain.proto, fileno=plain.detach())
        connection.settimeout(timeout)
        return connection

    def begin(self) -> None:
        """Take the pace anew: another answer begins."""
        self.sent, self.waited = 0, 0.0

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it."""
        left = memoryview(data)
        while left:
            left = left[self._paced(self.send, left, flags) :]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Have the kernel send so many bytes of the file, or all; give how many they were."""
        at, end = offset, os.fstat(file.fileno()).st_size
        end = end if count is None else min(end, offset + count)
        while at < end:
            at += self._paced(self._send_piece, file.fileno(), at, end - at)
        return at - offset

    def _send_piece(self, file: int, at: int, most: int) -> int:
        """Send what there is room for: Python's own waits for room again and again, however little moves."""
        timeout = self.gettimeout()
        room = select.poll()
        room.register(self, select.POLLOUT)
        if not room.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError
        try:
            sent = os.sendfile(self.fileno(), file, at, most)
        except BlockingIOError:  # room, but no memory for what goes there
            return 0
        if not sent:
            raise OSError(errno.EIO, "The file has become shorter.")
        return sent

    def _paced(self, move: Callable[..., int], *given: Any) -> int:
        """Give what ``move`` does, the bytes sent; 0 when it timed out and the reader took some meanwhile."""
        queued, begun = self._queued(), time.monotonic()
        try:
            moved = move(*given)
        except TimeoutError as error:
            if queued is None or self._queued() == queued:
                raise BrokenPipeError(errno.EPIPE, "The other side has stopped to read.") from error
            moved = 0
        self.waited += time.monotonic() - begun
        self.sent += moved
        if too_slow(self.sent - (self._queued() or 0), self.waited):
            raise BrokenPipeError(errno.EPIPE, "The other side reads too slowly.")
        return moved

    def _queued(self) -> int | None:
        """Give how many bytes the other side has not taken, None where the system does not tell."""
        with suppress(OSError):
            return int.from_bytes(fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return None


def install(app: Flask) -> None:
    """Give every request's socket the timeout, which the server resets between requests, and a pace of its own."""
    app.before_request(_bound)


def _bound() -> None:
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STILL)
    if isinstance(connection, Connection):
        connection.begin()
