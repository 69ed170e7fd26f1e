"""Where a consumer stands in its partitions: what it reads next, what is in hand, what may be committed."""

import threading
from collections.abc import Iterable

from pixo.broker.offsets import Offsets


class Positions:
    """The offsets of one consumer. Safe to use from many threads: records are done in others than that which polls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offsets = Offsets()
        self._next: dict[int, int] = {}
        self._finished: dict[int, int] = {}

    def next(self, partition: int) -> int | None:
        """Return the offset of the partition's next record, None before its first."""
        return self._next.get(partition)

    def delivered(self, partition: int, offset: int) -> None:
        """Take note of a record that was given out."""
        with self._lock:
            self._next[partition] = offset + 1
            self._offsets.delivered(partition, offset)

    def done(self, partition: int, offset: int) -> None:
        """Take note that a record is done."""
        with self._lock:
            moved = self._offsets.done(partition, offset)
            if moved is not None:
                self._finished[partition] = moved

    def finished(self) -> dict[int, int]:
        """Return the offsets to commit, by partition, of those that have moved since the last call."""
        with self._lock:
            finished, self._finished = self._finished, {}
        return finished

    def first(self, partition: int) -> int | None:
        """Return the first offset that is not done: of a record in hand, else of the next one, if that is known."""
        with self._lock:
            open_ = self._offsets.first(partition)
            return self._next.get(partition) if open_ is None else open_

    def forget(self, partitions: Iterable[int]) -> None:
        """Know nothing of these partitions any more: they were taken away."""
        with self._lock:
            for partition in partitions:
                self._forget(partition)

    def set_back(self, partition: int, offset: int) -> None:
        """Go on from this offset; what was read and done counted in a log that is no more."""
        with self._lock:
            self._forget(partition)
            self._next[partition] = offset

    def _forget(self, partition: int) -> None:
        self._offsets.forget([partition])
        self._finished.pop(partition, None)
        self._next.pop(partition, None)
