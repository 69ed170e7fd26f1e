"""Taking dead letters back.

The rule: a letter about a tile is answered by the job's own retry, once for all letters of the job: failed tiles
only, under a new generation, as if the client had asked. Its record is not sent again, for the generation in it is
over. A letter about anything else goes back to where its record came from, if this version can read it: every record
may be handled twice. What cannot be read stays a letter.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from pixo.broker import Admin, Producer
from pixo.dispatch import Dispatcher
from pixo.letters import Letter
from pixo.state import State
from pixo.state.records import Job
from pixo.store import NoSuchBlob

Deed = Literal["retry", "send", "none", "impossible"]


class Verdict(NamedTuple):
    """What a replay does, or did, about a letter, and why."""

    deed: Deed
    why: str


def verdict(letter: Letter, job: Job | None) -> Verdict:
    """Return what replaying the letter means, with the job that it names as it stands; pure."""
    if not letter.job:
        if letter.readable:
            return Verdict("send", f"the record goes back to {letter.topic}[{letter.partition}]")
        return Verdict("impossible", "the record cannot be read by this version either")
    if job is None or job.status in ("deleted", "expired"):
        return Verdict("impossible", "the job's images are no longer kept")
    if job.gen != letter.gen or job.live:
        return Verdict("none", f"the job has been retried since; it is {job.status}")
    if job.status != "failed":
        return Verdict("none", f"the job is {job.status}")
    return Verdict("retry", "the job's failed tiles are retried")


class Replay:
    """Replays letters with the installation's own state, store and broker."""

    def __init__(self, *, state: State, dispatcher: Dispatcher, producer: Producer, admin: Admin) -> None:
        self._state = state
        self._dispatcher = dispatcher
        self._producer = producer
        self._admin = admin

    def replay(self, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Verdict]]:
        """Replay them in turn, telling of each what was done; raise TryAgain. Doing it again does no harm."""
        for letter in letters:
            job = self._state.jobs.read(letter.job) if letter.job else None
            found = verdict(letter, job)
            if found.deed == "retry" and job is not None:
                found = self._retry(job, found)
            elif found.deed == "send":
                self._send(letter)
            yield letter, found
        self._dispatcher.admit()

    def _retry(self, job: Job, wanted: Verdict) -> Verdict:
        try:
            done = self._dispatcher.retry(job.id, job.r + 1)
        except NoSuchBlob:
            return Verdict("impossible", "the job's images are no longer kept")
        return wanted if done else Verdict("none", "it was retried by somebody else just now")

    def _send(self, letter: Letter) -> None:
        partition = letter.partition % self._admin.partitions(letter.topic)
        self._producer.settle([self._producer.send(letter.topic, letter.value, partition=partition)])
