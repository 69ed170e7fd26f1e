"""Sends a role's heartbeats: every few seconds while it runs, and a last one when it stops."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self

import msgspec

from pixo.broker import Producer
from pixo.errors import PixoError
from pixo.messages import Heartbeat, encode

_FAREWELL = 2.0
"""Seconds that the last beat may take."""


class Heart:
    """Sends what ``describe`` says to the topic every ``period`` seconds, from a thread of its own.

    A context manager. The producer is made for heartbeats: one that cannot be sent is dropped, since the next one
    supersedes it.
    """

    def __init__(self, producer: Producer, topic: str, describe: Callable[[], Heartbeat], period: float = 5.0) -> None:
        self._producer = producer
        self._topic = topic
        self._describe = describe
        self._period = period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)

    def start(self) -> None:
        """Begin, with a first beat at once."""
        self._thread.start()

    def stop(self) -> None:
        """Send the last beat, which says that the role stops, and end; does nothing the second time."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_FAREWELL)
        last = msgspec.structs.replace(self._describe(), stopping=True)
        # Nobody can be told: after some seconds without beats the role is taken to be gone anyway.
        with contextlib.suppress(PixoError):
            self._producer.settle([self._send(last)], _FAREWELL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def beat(self) -> None:
        """Send one beat, unless the last one was sent; do not wait for it."""
        if not self._stop.is_set():
            self._send(self._describe())

    def _send(self, beat: Heartbeat) -> Future[None]:
        return self._producer.send(self._topic, encode(beat), key=beat.id)

    def _live(self) -> None:
        while True:
            self.beat()
            if self._stop.wait(self._period):
                return
