"""How far consumers are behind, from offsets alone. Pure."""

from collections import deque
from collections.abc import Mapping

from msgspec import Struct

MOST = 720
"""Looks remembered: an hour of them."""


class Place(Struct, frozen=True, kw_only=True):
    """One partition of a topic, as the broker knows it."""

    start: int
    end: int
    committed: int | None = None

    @property
    def next(self) -> int:
        """The first offset that is not consumed. Without a commit that is the first one kept."""
        return max(self.committed or 0, self.start)

    @property
    def lag(self) -> int:
        """Records that are kept and not consumed."""
        return max(0, self.end - self.next)


def places(starts: Mapping[int, int], ends: Mapping[int, int], committed: Mapping[int, int]) -> dict[int, Place]:
    """Return the partitions of a topic."""
    return {p: Place(start=starts.get(p, 0), end=end, committed=committed.get(p)) for p, end in ends.items()}


class Ages:
    """Tells how long the oldest unconsumed record of a topic has waited, to the period of the looks."""

    def __init__(self) -> None:
        self._looks: dict[int, deque[tuple[float, int]]] = {}

    def look(self, now: float, found: Mapping[int, Place]) -> float:
        """Take a look at all partitions; return the age in seconds, 0 when all is consumed."""
        return max((self._age(now, partition, place) for partition, place in found.items()), default=0.0)

    def _age(self, now: float, partition: int, place: Place) -> float:
        looks = self._looks.setdefault(partition, deque(maxlen=MOST))
        if looks and looks[-1][1] > place.end:
            looks.clear()  # the topic was made anew
        while looks and looks[0][1] <= place.next:
            looks.popleft()
        looks.append((now, place.end))
        return now - looks[0][0] if place.lag else 0.0
