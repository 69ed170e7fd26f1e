"""Changes that somebody was promised: they are on the server's disk before the call returns."""

import time
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError, ResponseError, TimeoutError  # noqa: A004 - redis has its own

from pixo import logs
from pixo.state.connection import Client, reaching

log = logs.logger(__name__)

PATIENCE_MS = 500
GRACE = 1.0
"""Seconds beyond that until the connection is given up."""


class Durable:
    """Sends a change and WAITAOF over one connection, as one step.

    WAITAOF speaks of the writes of its own connection, and a server that failed over between a change and a later
    WAITAOF would confirm a change that it has lost. Here a broken connection leads to both being sent again.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._warned = False

    def script(self, text: str, names: Sequence[str], args: Sequence[object]) -> Any:
        """Run a script and return its answer when its effect is on disk, or after half a second."""
        digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        command = (len(names), *names, *args)
        return self._send([("EVALSHA", digest, *command), ("EVAL", text, *command)])

    def _send(self, choices: Sequence[tuple[Any, ...]]) -> Any:
        with reaching():
            connection = self._client.connection_pool.get_connection()
            try:
                return connection.retry.call_with_retry(
                    lambda: self._attempt(connection, choices), lambda _: connection.disconnect()
                )
            except BaseException:  # whatever it was, an answer may be under way, and would be taken for another's
                connection.disconnect()
                raise
            finally:
                self._client.connection_pool.release(connection)

    def _attempt(self, connection: Any, choices: Sequence[tuple[Any, ...]]) -> Any:
        first, *others = choices
        try:
            connection.send_command(*first)
            reply = connection.read_response()
        except NoScriptError:
            return self._attempt(connection, others)
        connection.send_command("WAITAOF", 1, 0, PATIENCE_MS)
        # The server looks for finished syncs when something wakes it, its own timer every 100 ms or a request.
        deadline = time.monotonic() + PATIENCE_MS / 1000 + GRACE
        while not connection.can_read(timeout=0.001):
            if time.monotonic() > deadline:
                # Others answer, on other connections: what stood behind this one has vanished without a word.
                raise TimeoutError("no answer to WAITAOF")
            self._client.ping()
        try:
            synced = connection.read_response()
        except ResponseError as error:
            self._warn(str(error))
        else:
            if synced[0] < 1:
                self._warn("too slow")
        return reply

    def _warn(self, why: str) -> None:
        """Say once that nothing can be promised, and go on."""
        if not self._warned:
            self._warned = True
            log.warning("redis cannot promise writes to disk: a power loss may undo its last second", why=why)
