"""Watches a member that holds nothing: rightly so where others hold all, and for ever where nobody holds anything."""

import time
from collections.abc import Callable, Collection, Mapping

from pixo.errors import ConfigError, Fatal, TryAgain

Members = Callable[[], Mapping[str, Collection[int]]]
"""Asks what each member holds: nothing of nobody where that is not settled, or there are no partitions."""


class Standby:
    """Asks the group, after ``patience`` seconds and again, whether there is one who holds something.

    librdkafka 2.16: a group that meets while its topic is deleted and made anew may agree that there are no partitions,
    and none of its members looks again.
    """

    def __init__(
        self, members: Members, clock: Callable[[], float] = time.monotonic, *, patience: float = 30.0
    ) -> None:
        self._members = members
        self._clock = clock
        self._patience = patience
        self._due: float | None = None
        self._doubted = False

    def look(self, member: str, held: Collection[int]) -> None:
        """Take a look every few seconds; raise Fatal when nobody but, by the group, this member holds anything."""
        now = self._clock()
        if held or self._due is None:
            self._due, self._doubted = None if held else now + self._patience, False
        elif now >= self._due:
            forsaken = self._forsaken(member)
            # The group may have given it something this moment: twice in a row tells.
            if forsaken and self._doubted:
                raise Fatal(f"nobody of the group has held any partition for {self._patience:g} s")
            self._doubted = forsaken
            self._due = now if forsaken else now + self._patience

    def _forsaken(self, member: str) -> bool:
        try:
            members = self._members()
        except (TryAgain, ConfigError):  # a broker that does not tell
            return False
        return member in members and not any(held for other, held in members.items() if other != member)
