"""Starts everything, keeps it running, says when all have joined, stops all in order; waits for events, never spins."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from pixo import logs
from pixo.errors import PixoError, TryAgain
from services.standalone.children import Child
from services.standalone.keeping import Pauses, keep
from services.standalone.recycle import Recycler, answering
from services.standalone.servers import Server

log = logs.logger(__name__)

KILLED = 130
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNTIL_JOINED = 3
"""Ends in a row, before all have joined, after which the start has failed."""


class Rank(NamedTuple):
    """Children that are stopped together, and the seconds they are given."""

    children: Sequence[Child]
    patience: float


class Supervisor:
    """Runs servers and roles until it is told to stop.

    ``broker`` has the Kafka server that is ours, ``connect`` waits for one that is not (and makes topics);
    ``missing`` names those that have not joined; ``announce`` is called once, when there are none.
    """

    def __init__(
        self,
        *,
        valkey: tuple[Server, Child] | None,
        broker: tuple[Child, Recycler] | None,
        connect: Callable[[], None],
        roles: Sequence[Child],
        ranks: Sequence[Rank],
        missing: Callable[[], list[str]],
        announce: Callable[[], None],
    ) -> None:
        self._valkey = valkey
        self._broker = broker
        self._connect = connect
        self._roles = roles
        self._ranks = ranks
        self._missing = missing
        self._announce = announce
        self._joined = False
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; the second one kills all at once. Raises what prevents a start."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self._told)
        work = asyncio.create_task(self._work())
        told = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, told):
                task.cancel()
            outcome = (await asyncio.gather(work, told, return_exceptions=True))[0]
            await self._stop_all()
            for number in STOPPING:
                loop.remove_signal_handler(number)
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise _first(outcome)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._valkey:
                server, child = self._valkey
                group.create_task(self._keep(child, child.start))
                await _answering(server, child)
            whole = asyncio.Event()
            if self._broker:
                broker, recycler = self._broker
                group.create_task(self._keep(broker, recycler.start))
                group.create_task(recycler.watch())
                whole = recycler.whole
            else:
                await self._reach()
                whole.set()
            await whole.wait()

            for role in self._roles:
                group.create_task(self._keep(role, _gated(whole, role)))
            await self._join()

    async def _reach(self) -> None:
        while True:
            try:
                return await asyncio.to_thread(self._connect)
            except TryAgain as error:
                log.warning("waiting for Kafka", why=str(error))
                await asyncio.sleep(0.5)

    async def _join(self) -> None:
        since = time.monotonic()
        while missing := await asyncio.to_thread(self._missing):
            if time.monotonic() - since > 15:
                since = time.monotonic()
                log.warning("still waiting", names=",".join(missing))
            await asyncio.sleep(0.2)
        self._joined = True
        self._announce()

    async def _keep(self, child: Child, start: Callable[[], Awaitable[None]]) -> None:
        pauses = Pauses(time.monotonic)
        await keep(child, start, pauses, give_up=lambda: None if self._joined else UNTIL_JOINED)

    async def _stop_all(self) -> None:
        for rank in self._ranks:
            for child in rank.children:
                child.thaw()
        for rank in self._ranks:
            stopped = await asyncio.gather(*(child.stop(rank.patience) for child in rank.children))
            for child, clean in zip(rank.children, stopped, strict=True):
                if not clean:
                    log.warning("child was killed", child=child.name, after=rank.patience)

    def _told(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            return
        for rank in self._ranks:
            for child in rank.children:
                child.kill()
        os._exit(KILLED)


def _gated(whole: asyncio.Event, role: Child) -> Callable[[], Awaitable[None]]:
    """Return the start of a role that waits for a whole broker, since its clients would make topics."""

    async def start() -> None:
        while not whole.is_set():
            await whole.wait()
        await role.start()

    return start


async def _answering(server: Server, child: Child) -> None:
    """Wait until the server answers, over new starts too."""
    while not await answering(server, child):  # noqa: ASYNC110 - the process itself is asked
        await asyncio.sleep(0.05)


def _first(error: BaseException) -> BaseException:
    """Return the error that matters out of a group of them."""
    while isinstance(error, BaseExceptionGroup):
        ours = [one for one in error.exceptions if isinstance(one, PixoError)]
        error = (ours or error.exceptions)[0]
    return error
