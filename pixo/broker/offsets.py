"""How far a consumer has come: the last record of each partition before which none is missing."""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import takewhile


class Offsets:
    """Keeps the records that were delivered and turns what is done, in any order, into offsets to commit.

    Not safe to use from several threads at once.
    """

    def __init__(self) -> None:
        # By partition, in the order of delivery: offset -> whether it is done.
        self._open: dict[int, OrderedDict[int, bool]] = {}

    def delivered(self, partition: int, offset: int) -> None:
        """Take note of a record that was given out; again, if it was given out before."""
        self._open.setdefault(partition, OrderedDict())[offset] = False

    def done(self, partition: int, offset: int) -> int | None:
        """Take note that a record is done; return the next offset to read if that has moved, else None.

        A record that was not delivered since the partition was last forgotten changes nothing.
        """
        records = self._open.get(partition, OrderedDict())
        if offset not in records:
            return None
        records[offset] = True
        finished = list(takewhile(records.__getitem__, records))
        for each in finished:
            del records[each]
        return finished[-1] + 1 if finished else None

    def first(self, partition: int) -> int | None:
        """Return the first offset that was delivered and is not done, None where all are."""
        return next(iter(self._open.get(partition, ())), None)

    def forget(self, partitions: Iterable[int]) -> None:
        """Start anew with these partitions: they were taken away, or are read again from elsewhere."""
        for partition in partitions:
            self._open.pop(partition, None)
