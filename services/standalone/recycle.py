"""Restarts the embedded broker: no client may see it before its topics are there, and it must not grow for ever.

The embedded broker forgets everything when it ends and makes any topic that a client asks about, with a number
of partitions of its own. So the roles are frozen from before it listens until the topics are made. What it lost
is published again by the reconciler. It never gives memory back, so it is started anew when it has grown and
there is no work, or when it has grown past all measure.
"""

import asyncio
from collections.abc import Callable, Sequence

from pixo import logs
from pixo.errors import TryAgain
from services.standalone.children import Child, rss
from services.standalone.servers import Server

log = logs.logger(__name__)

BOUND = 40 << 20
"""Bytes from which on an idle broker is started anew; at three times that, a busy one too.

Measured: it begins with 17 MiB and holds 1.5 to 2.5 KiB a record. Each fetch looks at all records of a partition,
so that readers starve from about 40 000 of them on: 75 MiB of heartbeats (11 h), 140 MiB of tiles.
"""
LOOK = 30.0
"""Seconds between two looks at its memory."""


class Recycler:
    """Starts the broker, with its topics, behind the backs of the roles."""

    def __init__(
        self,
        broker: Child,
        server: Server,
        roles: Sequence[Child],
        *,
        ensure: Callable[[], None],
        idle: Callable[[], bool],
        bound: int | None,
    ) -> None:
        self._broker = broker
        self._server = server
        self._roles = roles
        self._ensure = ensure
        self._idle = idle
        self._bound = bound
        self.whole = asyncio.Event()
        """Set while the broker runs with its topics: roles may be started."""

    async def start(self) -> None:
        """Start the broker and make its topics; roles that run are frozen until then.

        Where it ends on the way, or cannot be started, which raises OSError, they go on until it is started again:
        web answers meanwhile that Kafka is away.
        """
        self._freeze()
        try:
            await self._broker.start()
            if await answering(self._server, self._broker) and await self._topics_made():
                self.whole.set()
        finally:
            self._thaw()

    async def _topics_made(self) -> bool:
        """Make the topics; False where that failed and the broker was ended for it."""
        try:
            await asyncio.to_thread(self._ensure)
        except TryAgain as error:
            log.warning("topics could not be made", why=str(error))
            self._broker.kill()
            await self._broker.ended()  # no role may see it
            return False
        return True

    async def watch(self, every: float = LOOK) -> None:
        """End the broker whenever it has grown too large, for whoever keeps it to start it anew."""
        while (bound := self._bound) is not None:
            await asyncio.sleep(every)
            size = rss(self._broker.pid) if self._broker.running else 0
            if size <= bound or not self.whole.is_set():
                continue
            self._freeze()  # first, so that no work begins between the question and the end
            if size > 3 * bound or await asyncio.to_thread(self._idle):
                log.event("broker is started anew", bytes=size)
                self._broker.dismiss()
            else:
                self._thaw()
                self.whole.set()

    def _freeze(self) -> None:
        self.whole.clear()
        for role in self._roles:
            role.freeze()

    def _thaw(self) -> None:
        for role in self._roles:
            role.thaw()


async def answering(server: Server, child: Child, every: float = 0.05) -> bool:
    """Wait until the server answers; False when its process has ended instead."""
    while child.running:
        if await asyncio.to_thread(server.ready):
            return True
        await asyncio.sleep(every)
    return False
