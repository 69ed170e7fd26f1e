"""How long a connection may be idle in the middle of a request, which holds a thread."""

import errno
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any, Self

from flask import Flask, request

STILL = 30.0
"""Seconds without a byte, either way, after which a connection is given up."""


class Connection(socket.socket):
    """A socket whose sending fails only after a timeout in which no byte moved, whatever there is to send.

    Python's own gives a whole ``sendall`` one timeout, and the system calls a socket full until a third of its buffer
    is free, which may be a megabyte: slow, steady readers would be cut off. Raises BrokenPipeError, as when the reader
    has gone.
    """

    @classmethod
    def over(cls, plain: socket.socket) -> Self:
        """Return one in the place of another, which is not to be used any more."""
        timeout = plain.gettimeout()
        connection = cls(plain.family, plain.type, plain.proto, fileno=plain.detach())
        connection.settimeout(timeout)
        return connection

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as the socket's own
        """Let it wait or not; one that is closed needs neither."""
        if self.fileno() >= 0:
            super().setblocking(flag)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it."""
        left = memoryview(data)
        while left:
            queued = self._queued()
            try:
                left = left[self.send(left, flags) :]
            except TimeoutError as error:
                self._require_less_than(queued, error)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Have the kernel send so many bytes of the file, or all; return how many they were."""
        at = offset
        while count is None or at < offset + count:
            queued = self._queued()
            try:
                return at - offset + super().sendfile(file, at, None if count is None else offset + count - at)
            except TimeoutError as error:
                file_at = file.tell()  # behind what was sent, if anything was
                if file_at <= at:
                    self._require_less_than(queued, error)
                at = max(at, file_at)
        return at - offset

    def _queued(self) -> int | None:
        """Return how many bytes the other side has not taken, None where the system does not tell."""
        with suppress(OSError):
            return int.from_bytes(fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return None

    def _require_less_than(self, queued: int | None, error: TimeoutError) -> None:
        if queued is None or self._queued() == queued:
            with suppress(OSError):  # what it has not taken goes, and nobody waits for its farewell
                self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.shutdown(socket.SHUT_RDWR)
            raise BrokenPipeError(errno.EPIPE, "The other side has stopped to read.") from error


def install(app: Flask) -> None:
    """Give every request's socket the timeout; the server resets it between requests."""
    app.before_request(_bound)


def _bound() -> None:
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STILL)
