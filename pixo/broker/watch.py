"""Watches a consumer through librdkafka's statistics: nobody else notices one that silently makes no progress."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from pixo.errors import Fatal


class Watch:
    """Looks at librdkafka's statistics, every few seconds, and finds what librdkafka does not mend.

    Times are seconds: ``beyond`` a partition's end until its reading starts over; ``stall`` without progress
    although there are records, ``blind`` without an answer about a partition whose leader is there, and ``silence``
    without any broker, until the process is given up.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        beyond: float = 60.0,
        stall: float = 60.0,
        blind: float = 30.0,
        silence: float = 120.0,
    ) -> None:
        self._clock = clock
        self._limits = {"beyond": beyond, "stall": stall, "blind": blind, "silence": silence}
        self._since: dict[tuple[str, int, int], float] = {}

    def look(self, stats: Mapping[str, Any], topic: str, held: Collection[int], *, paused: bool) -> dict[int, int]:
        """Return the partitions to be read from elsewhere, with the end of each; raise Fatal when all is lost."""
        up = {broker["nodeid"] for broker in stats["brokers"].values() if broker["state"] == "UP"}
        if not up:
            self._since = {key: since for key, since in self._since.items() if key[0] == "silence"}
            if self._lasts("silence", 0, 0):
                raise Fatal(f"no Kafka broker for {self._limits['silence']:g} s")
            return {}
        partitions = stats["topics"].get(topic, {}).get("partitions", {})
        found = {
            (trouble, number, offset): state
            for number in held
            if (state := partitions.get(str(number)))
            for trouble, offset in _troubles(state, up, paused=paused)
        }
        self._since = {key: since for key, since in self._since.items() if key in found}
        beyond = {}
        for (trouble, number, offset), state in found.items():
            if self._lasts(trouble, number, offset):
                if trouble != "beyond":
                    raise Fatal(self._reason(trouble, f"{topic}[{number}]", state))
                beyond[number] = state["hi_offset"]
                # The next statistics may be of before it was read from elsewhere: once is enough.
                del self._since[trouble, number, offset]
        return beyond

    def _reason(self, trouble: str, partition: str, state: Mapping[str, Any]) -> str:
        time = f"for {self._limits[trouble]:g} s"
        if trouble == "blind":
            return f"nothing heard of {partition} {time}"
        return f"no record of {partition} {time}, at {state['app_offset']} of {state['hi_offset']}"

    def _lasts(self, what: str, partition: int, offset: int) -> bool:
        """Return whether this has been so for too long."""
        now = self._clock()
        return now - self._since.setdefault((what, partition, offset), now) >= self._limits[what]


def _troubles(
    state: Mapping[str, Any], up: Collection[int], *, paused: bool
) -> Iterator[tuple[Literal["beyond", "blind", "stall"], int]]:
    """Return what is wrong with a partition, if anything, and at which offset."""
    end, following, given = state["hi_offset"], state["next_offset"], state["app_offset"]
    idle = state["fetch_state"] != "active"
    if end < 0 or idle:
        # A topic made anew begins with leader epoch 0. librdkafka takes that for old news where the one before had
        # seen its leader change, and goes on asking with an epoch that the broker does not know.
        # And a broker that dies while it is asked for the committed offset is never asked again where the assignment
        # changed meanwhile: the partition is held and not read, with the numbers of the time when it was. A pause is
        # no excuse for that: what is assigned in one becomes active as well.
        # No leader is -1, which is what the bootstrap brokers and the group's coordinator are called too.
        if state["leader"] >= 0 and state["leader"] in up and (idle or not paused):
            yield "blind", 0
    elif following > end:
        yield "beyond", following
    elif following >= 0 and max(_taken(state), state["lo_offset"]) < end and not paused:
        yield "stall", given


def _taken(state: Mapping[str, Any]) -> int:
    """Return the offset up to which records were taken."""
    if state["app_offset"] >= 0:
        return int(state["app_offset"])
    # None was since the assignment: what was committed before counts, and what is fetched waits.
    return int(state["next_offset"] - state.get("fetchq_cnt", 0))
