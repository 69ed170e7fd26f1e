"""Open decoders, one for each lane of each job that a worker is in the middle of."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pixo.imaging.decode import Reader, Rewind
from pixo.imaging.plan import Plan
from services.worker import heap

Open = Callable[[Path, Plan, int, int], Reader]
"""From file, plan, first row wanted and row that is likely the end."""

LARGE = 128 << 20
"""Bytes that a tile takes from which on its lane begins with a heap that keeps nothing of others' tiles."""

Lane = tuple[str, int]
"""Job and lane."""


class Decoders:
    """Readers by lane, least recently used out.

    At most ``count``, with ``spare`` bytes by their plans or a single one, and ``memory`` bytes with the tile in work.
    A reader goes from top to bottom: one that stands above the wanted rows passes over those between, one that
    stands below them is opened anew. What has no room beside a lane's tile goes before that is made; its own reader
    is kept, however large. Safe to use from several threads, one reader by one thread at a time.
    """

    def __init__(
        self,
        open_reader: Open,
        source: Callable[[str], Path],
        *,
        count: int,
        spare: int,
        memory: int,
        clock: Callable[[], float],
    ) -> None:
        self._open = open_reader
        self._source = source
        self._count = count
        self._spare = spare
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: OrderedDict[Lane, tuple[Reader, int, float]] = OrderedDict()

    def work(
        self, lane: Lane, plan: Plan, rows: tuple[int, int], act: Callable[[Reader], bytes], *, last: bool
    ) -> bytes:
        """Return what ``act`` makes of the lane's reader, with a new one if the kept one stands too low.

        ``rows`` are the first one wanted now and the likely end of the lane's run; after the ``last`` tile of an
        image its reader is of no more use.
        """
        try:
            with self._lend(lane, plan, rows, last=last) as reader:
                return act(reader)
        except Rewind:
            with self._lend(lane, plan, rows, last=last) as reader:
                return act(reader)

    def rest(self, seconds: float) -> None:
        """Close readers that nobody wanted for so long."""
        limit = self._clock() - seconds
        with self._lock:
            old = [lane for lane, (_, _, used) in self._idle.items() if used < limit]
            out = [self._idle.pop(lane)[0] for lane in old]
        for reader in out:
            reader.close()

    def close(self) -> None:
        """Close all readers."""
        self.rest(-1.0)

    @contextmanager
    def _lend(self, lane: Lane, plan: Plan, rows: tuple[int, int], *, last: bool) -> Iterator[Reader]:
        with self._lock:
            kept = self._idle.pop(lane, None)
            out = self._surplus(plan)
        for one in out:
            one.close()
        if kept is None and plan.held > LARGE:
            heap.trim()
        reader = kept[0] if kept else self._open(self._source(lane[0]), plan, *rows)
        try:
            yield reader
        except BaseException:  # whatever it was, nobody knows where the reader stands
            reader.close()
            raise
        if last:
            reader.close()
            return
        with self._lock:
            self._idle[lane] = reader, plan.kept, self._clock()

    def _surplus(self, plan: Plan) -> list[Reader]:
        """Take out what has no room beside a tile of the plan."""
        out = []
        idle = sum(bytes_ for _, bytes_, _ in self._idle.values())
        while self._idle and (
            len(self._idle) >= self._count
            or plan.held + idle > self._memory
            or (len(self._idle) > 1 and idle > self._spare)
        ):
            _, (reader, bytes_, _) = self._idle.popitem(last=False)
            idle -= bytes_
            out.append(reader)
        return out
