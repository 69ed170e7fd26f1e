"""What Kafka's offsets say about tasks: which were consumed, so that one that is still unfinished must be lost.

Pure and in memory, for the reconciler: one ``Marks``, one ``note`` a round, then ``safe`` and ``results_safe`` go to
``state.jobs.recheck`` as they are.
"""

from collections.abc import Mapping

from msgspec import Struct

_MOST = 512


class Offsets(Struct, frozen=True, kw_only=True):
    """One look at a topic, by partition."""

    starts: Mapping[int, int]
    ends: Mapping[int, int]
    committed: Mapping[int, int | None]
    """What the one group of the topic has stored; None or missing: nothing yet."""


class Trail:
    """The (time, end) marks of one partition, ends growing."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, int]] = []

    def note(self, now_ms: int, end: int) -> None:
        """Remember that the log ended at ``end`` when it was asked for after ``now_ms``.

        A log that got shorter was recreated: everything published before now is gone.
        """
        if self._marks and end < self._marks[-1][1]:
            self._marks = [(now_ms, 0)]
        if self._marks and end == self._marks[-1][1]:
            self._marks.pop()  # the same end, later: tells more
        self._marks.append((now_ms, end))
        if len(self._marks) > _MOST:
            del self._marks[1:-1:2]  # fewer marks only make the answer more careful

    def safe(self, consumed: int) -> int:
        """Return the newest time before which all that was published has been consumed; 0 if none is known."""
        passed = [mark for mark in self._marks if mark[1] <= consumed]
        if not passed:
            return 0
        self._marks = passed[-1:] + [mark for mark in self._marks if mark[1] > consumed]
        return passed[-1][0]


class Marks:
    """The marks of all partitions of ``tasks`` and ``results``.

    A task is lost when it was consumed, and the results that its consumer sent before it stored the offset have been
    consumed as well, and its tile is still not done. So a partition's safe time counts only from the moment on at
    which ``results`` has caught up with the look that saw it: otherwise results that lie behind would have every
    tile published again and again.
    """

    def __init__(self) -> None:
        self._tasks: dict[int, Trail] = {}
        self._results: dict[int, Trail] = {}
        self._seen: dict[int, list[tuple[int, int]]] = {}
        self._now_ms = 0
        self.safe: dict[int, int] = {}
        """By partition of ``tasks``: all that was given out before this time (ms) was consumed, results included."""
        self.results_safe = 0
        """All that was published on ``results`` before this time (ms) was consumed."""

    def note(self, now_ms: int, tasks: Offsets, results: Offsets) -> None:
        """Take one look at both topics; ``now_ms`` is the state's clock, read before the offsets were."""
        if now_ms < self._now_ms:
            self._forget()
        self._now_ms = now_ms
        _follow(self._results, now_ms, results)
        self.results_safe = min((_safe(self._results[p], results, p) for p in results.ends), default=0)
        _follow(self._tasks, now_ms, tasks)
        for partition in tasks.ends:
            seen = self._seen.setdefault(partition, [])
            seen.append((now_ms, _safe(self._tasks[partition], tasks, partition)))
            if len(seen) > _MOST:
                del seen[1:-1:2]
            while len(seen) > 1 and seen[1][0] <= self.results_safe:
                del seen[0]
            if seen[0][0] <= self.results_safe:
                self.safe[partition] = seen[0][1]
        # Exactly today's partitions: the tasks of a lane are judged by the one that they are published to today.
        self.safe = {partition: self.safe.get(partition, 0) for partition in tasks.ends}
        self._seen = {partition: self._seen[partition] for partition in tasks.ends}

    def _forget(self) -> None:
        """Know nothing: the clock was set back, and what was safe by it is in the time to come."""
        for known in (self._tasks, self._results, self._seen, self.safe):
            known.clear()


def _follow(trails: dict[int, Trail], now_ms: int, look: Offsets) -> None:
    for partition in trails.keys() - look.ends.keys():
        del trails[partition]
    for partition, end in look.ends.items():
        trails.setdefault(partition, Trail()).note(now_ms, end)


def _safe(trail: Trail, look: Offsets, partition: int) -> int:
    committed = look.committed.get(partition) or 0
    if committed > look.ends[partition]:
        committed = 0  # it is from before the topic was made anew: nothing in this log was consumed by that
    return trail.safe(max(committed, look.starts.get(partition, 0)))
