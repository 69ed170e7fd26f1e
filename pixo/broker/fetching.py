"""What a consumer fetches: nothing while it is paused, nor, where bells ring for records, while none is expected."""

import contextlib
from collections.abc import Callable, Collection, Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pixo.broker.doze import Doze, Rings
from pixo.broker.positions import Positions

_NUDGE = 0.5
"""Seconds that the broker has for a question whose answer does not matter."""


class Fetching:
    """The partitions that a consumer holds, fetched or not. For the polling thread alone."""

    def __init__(
        self, client: Consumer, topic: str, positions: Positions, bell: Rings | None, clock: Callable[[], float]
    ) -> None:
        self.held: frozenset[int] = frozenset()
        self.paused = False
        self._client = client
        self._topic = topic
        self._positions = positions
        self._doze = Doze(bell, self._next, clock) if bell else None

    @property
    def resting(self) -> bool:
        """Whether nothing is fetched."""
        return self.paused or (self._doze is not None and self._doze.asleep)

    def hold(self, places: Collection[TopicPartition]) -> None:
        """Hold these as well."""
        self._expect()
        # Said either way: librdkafka keeps the pause of a partition that was taken away, and its fetching never begins.
        (self._client.pause if self.paused else self._client.resume)(list(places))
        self.held |= {place.partition for place in places}

    def release(self, partitions: Collection[int]) -> None:
        """Hold these no more."""
        self.held -= frozenset(partitions)

    def pause(self) -> None:
        """Fetch nothing, of what is held now or later, until ``resume``."""
        if not self.paused:
            self.paused = True
            self._client.pause(self._places(self.held))
            self._expect()

    def resume(self) -> None:
        """Fetch again."""
        if self.paused:
            self.paused = False
            self._fetch()
            self._expect()

    def rest(self, timeout: float) -> float:
        """Sleep, if it is time to; return how many of the seconds to wait for a record after that."""
        if self._doze is None or self.paused or not self.held:
            return timeout
        if self._doze.asleep:
            if not self._doze.woken(timeout):
                return 0.0
            self._fetch()
        return min(timeout, self._doze.left())

    def met(self) -> None:
        """Take note of a record: if it was the last of what the broker had, sleep."""
        if self._doze:
            self._doze.met()
            if self._caught_up():
                self.tire()

    def tire(self) -> None:
        """Sleep, there being no record at hand, if none is to be expected."""
        doze = self._doze
        if doze and not doze.asleep and not self.paused and self.held and doze.tired():
            self._client.pause(self._places(self.held))

    def close(self) -> None:
        """Hear no more rings."""
        if self._doze:
            self._doze.close()

    def _expect(self) -> None:
        if self._doze:
            self._doze.expect()

    def _fetch(self) -> None:
        """Fetch all that is held, at once: librdkafka's thread else sees up to a second later what was resumed."""
        self._client.resume(self._places(self.held))
        known = [(partition, at) for partition in self.held if (at := self._positions.next(partition)) is not None]
        with contextlib.suppress(KafkaException):
            if known:
                self._client.seek(TopicPartition(self._topic, *known[0]))
            elif self.held:
                self._client.get_watermark_offsets(TopicPartition(self._topic, min(self.held)), timeout=_NUDGE)

    def _next(self, partition: int) -> int | None:
        """Return the offset of the next record of a partition, as far as it is known; None of one not held."""
        return (self._positions.next(partition) or 0) if partition in self.held else None

    def _caught_up(self) -> bool:
        """Return whether the last fetches have brought all that there was."""
        for place in self._places(self.held):
            _, end = self._client.get_watermark_offsets(place, cached=True)
            known = self._positions.next(place.partition)
            if known is not None and known < end:
                return False
        return True

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in partitions]
