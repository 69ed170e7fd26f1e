"""Watches a consumer through its own statistics: nobody else notices one that silently stands still."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pixo.errors import Fatal


class Watch:
    """Looks at librdkafka's statistics, every few seconds, and finds what librdkafka does not mend.

    Times are seconds: ``beyond`` a partition's end until its reading starts over; ``stall`` without progress
    although there are records, and ``silence`` without any broker, until the process is given up.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        beyond: float = 60.0,
        stall: float = 60.0,
        silence: float = 120.0,
    ) -> None:
        self._clock = clock
        self._limits = {"beyond": beyond, "stall": stall, "silence": silence}
        self._since: dict[tuple[str, int, int], float] = {}

    def look(self, stats: Mapping[str, Any], topic: str, held: Collection[int], *, paused: bool) -> dict[int, int]:
        """Give the partitions to be read from elsewhere, with the end of each; raise Fatal when all is lost."""
        if not any(broker["state"] == "UP" for broker in stats["brokers"].values()):
            self._since = {key: since for key, since in self._since.items() if key[0] == "silence"}
            if self._lasts("silence", 0, 0):
                raise Fatal(f"no Kafka broker for {self._limits['silence']:g} s")
            return {}
        seen = {("", 0, 0)}
        beyond = {}
        partitions = stats["topics"].get(topic, {}).get("partitions", {})
        for number in held:
            state = partitions.get(str(number))
            if state is None or state["hi_offset"] < 0:
                continue
            end, following, given = state["hi_offset"], state["next_offset"], state["app_offset"]
            if following > end:
                seen.add(("beyond", number, following))
                if self._lasts("beyond", number, following):
                    beyond[number] = end
            elif following >= 0 and max(_taken(state), state["lo_offset"]) < end and not paused:
                seen.add(("stall", number, given))
                if self._lasts("stall", number, given):
                    raise Fatal(f"no record of {topic}[{number}] for {self._limits['stall']:g} s, at {given} of {end}")
        self._since = {key: since for key, since in self._since.items() if key in seen}
        return beyond

    def _lasts(self, what: str, partition: int, offset: int) -> bool:
        """Say whether this has been so for too long."""
        now = self._clock()
        return now - self._since.setdefault((what, partition, offset), now) >= self._limits[what]


def _taken(state: Mapping[str, Any]) -> int:
    """Give the offset up to which records were taken."""
    if state["app_offset"] >= 0:
        return int(state["app_offset"])
    # None was since the assignment: what was committed before counts, and what is fetched waits.
    return int(state["next_offset"] - state.get("fetchq_cnt", 0))
