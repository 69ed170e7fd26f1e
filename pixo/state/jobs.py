"""The steps of a job's life. Each is one script, one round trip; running one twice has no further effect.

Arguments named ``gen`` keep out actors of an earlier life of the job. All methods raise TryAgain("redis"). What a
client is promised (create, cancel, retry, delete) and ``finish_join`` are on the server's disk when the call returns.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from pixo.imaging.plan import Plan
from pixo.messages import TileDone
from pixo.state import decoding, encoding
from pixo.state.connection import Client
from pixo.state.reading import Reading
from pixo.state.records import End, Handout, Joining, Spec
from pixo.state.scripts import Scripts

MOST_REOPENS = 3
MOST_DEATHS = 4
"""Processes that may end, one after the other, while they join a job."""
MARGIN_MS = 5_000
"""Longest time between handing a task out and its being in Kafka, when all is well."""
CEILING_MS = 600_000
"""A task unfinished for so long is published again whatever the offsets say; doubles each time."""


class Jobs(Reading):
    """All that changes a job, and (inherited) all that reads or awaits one."""

    def __init__(self, client: Client, waiting: Client, scripts: Scripts) -> None:
        super().__init__(client, waiting)
        self._run = scripts.run
        self._run_durably = scripts.run_durably

    def create(self, spec: Spec, end: End | None = None) -> bool:
        """Make the job, queued, or ended as ``end`` says; False if there is one of that id, or its tombstone."""
        return bool(self._run_durably("create", spec.id, *encoding.fields(spec, end)))

    def start(self, id: str, runs: Sequence[tuple[int, int, int]]) -> Handout:
        """Take a queued job to processing with the runs (lane, first tile, end), and return the first tasks.

        ``join`` when nothing is missing; ``ok`` without tasks when it has started before.
        """
        return self._handout(id, "start", *(number for run in runs for number in run))

    def take(self, id: str, lane: int) -> Handout:
        """Fill the window of a lane; a lane new to the job, or run dry, takes over part of the longest run."""
        return self._handout(id, "take", lane)

    def begin(self, id: str, gen: int, tile: int, token: str) -> str:
        """Count an attempt before its work.

        Returns ``go``; ``again``, which is go where other attempts are open; ``skip``; ``dead`` where three are open.

        The same token again is the same attempt: make one token for a record and keep it when the step is repeated.
        """
        return str(self._run("begin", id, gen, tile, token).decode())

    def give_back(self, id: str, gen: int, tile: int, token: str) -> None:
        """Close an attempt that did not kill its worker."""
        self._run("give_back", id, gen, tile, token)

    def complete(self, done: TileDone, final_key: str | None = None) -> Handout:
        """Count a finished tile once; the first to report it gets the lane's next tasks, the last one ``join``.

        With the key of the final image, which the piece of an image's only tile is, the job is ``done``, on the
        server's disk.
        """
        args = [done.gen, done.tile, done.lane, encoding.tile(done)]
        if final_key is None:
            return self._handout(done.job, "complete", *args)
        return decoding.handout(self._run_durably("complete", done.job, *args, final_key, done.sha256, done.size))

    def fail_tile(self, id: str, gen: int, tile: int, reason: str) -> bool:
        """Fail the job because of a tile that is not finished; True if the job of this generation is failed."""
        return bool(self._run("fail_tile", id, gen, tile, reason))

    def fail(self, id: str, gen: int, reason: str) -> bool:
        """Fail the job as a whole; True if the job of this generation is failed."""
        return bool(self._run("fail", id, gen, reason))

    def start_join(self, id: str, token: str, *, alone: bool = False) -> Joining | Literal["alone"] | None:
        """Take the lease on joining; None if the job is not stitching or somebody else holds it.

        ``alone``: a process has died while it held the lease; ask again, so, when nothing else is joined beside it.
        After five deaths the job is failed, and None is the answer.
        """
        reply = self._run("start_join", id, token, MOST_DEATHS, int(alone))
        if reply is None:
            return None
        if reply == b"alone":
            return "alone"
        gen, plan, tiles = reply
        return Joining(
            gen=int(gen),
            plan=msgspec.json.decode(plan, type=Plan),
            records=sorted(
                (decoding.tile(int(n), record) for n, record in decoding.pairs(tiles)), key=lambda one: one.tile
            ),
        )

    def renew_join(self, id: str, gen: int, token: str) -> bool:
        """Hold the lease for another 30 s; False: stop joining, it is not yours any more."""
        return bool(self._run("renew_join", id, gen, token))

    def leave_join(self, id: str, token: str) -> None:
        """Give up the lease, if it is this one's; ``start_join`` counts one that runs out as a death."""
        self._run("leave_join", id, token)

    def finish_join(self, id: str, gen: int, token: str, final_key: str, sha256: str, size: int) -> bool:
        """Make the job done with this final; False: it does not count, delete it."""
        return bool(self._run_durably("finish_join", id, gen, token, final_key, sha256, size))

    def reopen(self, id: str, gen: int, token: str, tiles: Sequence[int]) -> Handout:
        """Have tiles made again whose pieces are missing or broken; the lease ends. ``failed`` after three times."""
        return self._handout(id, "reopen", gen, token, MOST_REOPENS, *tiles)

    def cancel(self, id: str) -> str | None:
        """Cancel a job that has not ended; return the status that it now has, None if there is no such job."""
        reply = self._run_durably("cancel", id)
        return None if reply is None else str(reply.decode())

    def retry(self, id: str, r: int) -> bool:
        """Queue a failed or cancelled job again as the client's retry number ``r``; finished tiles stay finished."""
        return bool(self._run_durably("retry", id, r))

    def delete(self, id: str) -> bool:
        """Leave nothing but a tombstone, whatever the job was at; False if there is no such job."""
        return bool(self._run_durably("delete", id))

    def expire(self, id: str) -> bool:
        """Mark an ended job as expired; False if it is live, deleted or gone."""
        return bool(self._run("expire", id))

    def recheck(
        self, id: str, gen: int | None, safe: Mapping[int, int], results_safe: int, idle_ms: int = 0
    ) -> Handout:
        """Tell where an active job stands, and return the tasks that were lost, with refills of its lanes.

        ``safe`` and ``results_safe`` come from ``pixo.marks``: partition to the time (ms, the server's clock) before
        which all that was published has been consumed. ``idle_ms``, time in which no worker lived, moves the deadline.
        ``failed``: the deadline is past. Any generation will do with None.
        """
        times = [safe.get(partition, 0) for partition in range(max(safe, default=-1) + 1)]
        wanted = "" if gen is None else gen
        return self._handout(id, "recheck", wanted, idle_ms, results_safe, MARGIN_MS, CEILING_MS, *times)

    def _handout(self, id: str, script: str, *args: Any) -> Handout:
        return decoding.handout(self._run(script, id, *args))
