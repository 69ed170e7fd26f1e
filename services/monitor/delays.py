"""How late heartbeats are, even if the clocks of the machines that stamp them are wrong."""

from collections import OrderedDict

from msgspec import Struct

from pixo import logs

LATE = 15.0
"""Seconds after which a heartbeat says nothing any more: those of before an outage must not bring the dead back."""
NOTABLE = 5.0
"""Seconds between two clocks that are worth a line in the log."""
MOST = 4096
"""Processes that are remembered; those heard last."""

log = logs.logger(__name__)


class Known(Struct):
    """What is known of a process: the least delay of its beats, and since when all of them are late."""

    usual: float
    late_since: float | None = None


class Delays:
    """Compares each process with itself: two clocks may differ, a beat that is late is later than others.

    Beats of before an outage are read in one burst. A process whose beats stay late for longer than ``LATE`` had its
    clock set, and counts from there.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()

    def late(self, id: str, stamped: float, now: float) -> float:
        """Return the seconds by which a beat is later than usual for its process; both times are unix time."""
        delay = now - stamped
        known = self._known.get(id)
        if known is None:
            known = self._meet(id, delay)
        self._known.move_to_end(id)
        over = delay - known.usual
        if over <= LATE:
            known.usual, known.late_since = min(known.usual, delay), None
        elif known.late_since is None:
            known.late_since = now
        elif not 0 <= now - known.late_since <= LATE:
            self._meet(id, delay)
            return 0.0
        return max(0.0, over)

    def forget(self, id: str) -> None:
        """Know nothing of a process that stops."""
        self._known.pop(id, None)

    def _meet(self, id: str, delay: float) -> Known:
        if abs(delay) > NOTABLE:
            log.warning("clocks differ", id=id, seconds=round(delay, 1))
        known = self._known[id] = Known(delay)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return known
