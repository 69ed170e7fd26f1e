"""Watches a group member without partitions: fine while others have them all, a deadlock if nobody has any."""

import time
from collections.abc import Callable, Collection, Mapping

from pixo import logs
from pixo.errors import ConfigError, Fatal, TryAgain

log = logs.logger(__name__)

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
        self._forsaken_since: float | None = None
        self._complained = False

    def look(self, member: str, held: Collection[int]) -> None:
        """Take a look every few seconds; raise Fatal when nobody but, by the group, this member holds anything.

        For ``patience`` seconds: members may not have heard yet that there is a topic, or what they are given.
        """
        now = self._clock()
        if held:
            self._due = self._forsaken_since = None
        elif self._due is None:
            self._due = now + self._patience
        elif now >= self._due and not self._forsaken(member):
            self._due, self._forsaken_since = now + self._patience, None
        elif now >= self._due:
            self._forsaken_since = now if self._forsaken_since is None else self._forsaken_since
            if now - self._forsaken_since >= self._patience:
                raise Fatal(f"nobody of the group has held any partition for {self._patience:g} s")

    def _forsaken(self, member: str) -> bool:
        try:
            members = self._members()
        except (TryAgain, ConfigError) as error:
            if not self._complained:
                self._complained = True
                log.warning("standing by, and the group does not tell whether others are at work", reason=error)
            return False
        return member in members and not any(held for other, held in members.items() if other != member)
