"""What a worker does with a task: begin, work, settle, in the order that loses nothing (docs/protocol.md).

``handle`` counts the attempt and makes the piece; what it returns stores and reports it, so that the next
tile is computed meanwhile. The loop stores the offset last.
"""

import time
from contextlib import suppress
from hashlib import sha256
from secrets import token_hex
from typing import Any

from isal.isal_zlib import crc32
from msgspec.structs import replace

from pixo import injection, logs, messages, tracing
from pixo.broker import Producer, Record
from pixo.errors import BadImage, BadRecord, TryAgain
from pixo.letters.writing import Letters
from pixo.loop import Finish
from pixo.messages import TileDone, TileTask
from pixo.state import State
from pixo.store import NoSuchBlob, Store, names
from pixo.topics import Topics
from pixo.tracing import Span
from services.worker.activity import Activity
from services.worker.breaker import Breaker, Tripped
from services.worker.measures import Measures
from services.worker.tiles import Tiles

Place = tuple[int, int]
"""Partition and offset."""
Opened = tuple[str, TileTask]
"""An attempt: its token, and what it is at."""

log = logs.logger(__name__)


class Handler:
    """Processes tile tasks. Called by one thread; what it returns may be called by another."""

    def __init__(
        self,
        *,
        worker: str,
        tiles: Tiles,
        state: State,
        store: Store,
        producer: Producer,
        topics: Topics,
        letters: Letters,
        breaker: Breaker,
        activity: Activity,
        measures: Measures,
    ) -> None:
        self._worker = worker
        self._tiles = tiles
        self._state = state
        self._store = store
        self._producer = producer
        self._topics = topics
        self._letters = letters
        self._breaker = breaker
        self._activity = activity
        self._measures = measures
        self._boot = token_hex(4)
        # The attempt begun and not closed of each record in hand, by the record's place: touched by the work and the
        # finish thread, one operation at a time.
        self._open: dict[Place, Opened] = {}

    def handle(self, record: Record) -> Finish | None:
        """Make the task's tile; return what stores and reports it, None for a task that is not wanted any more.

        Raises BadRecord for what is no task, TryAgain, after which the attempt does not count, and Tripped.
        """
        task, place = read(record), (record.partition, record.offset)
        injection.point("worker.before-begin", job=task.job, tile=task.tile)
        cause: Exception | None = None
        tokens: list[str] = []
        while True:  # until the third attempt has failed: then begin says `dead`
            # Its own name for every attempt; the same one when a step of it is repeated, so that it counts once.
            token = f"{self._boot}.{record.partition}.{record.offset}.{len(tokens)}"
            verdict = self._state.jobs.begin(task.job, task.gen, task.tile, token)
            if verdict == "skip":
                self._open.pop(place, None)  # begun at an earlier try, and done by another since
                self._measures.ended(task, "skipped_duplicate")
                return None
            if verdict == "dead":
                return self._exhausted(record, task, tokens, cause)
            opened = self._open[place] = token, task
            if not tokens:
                if verdict == "again":
                    self._isolate(task)
                self._measures.taken(record)
            tokens.append(token)
            began = time.monotonic()
            span = tracing.begin("tile", parent=record.headers, attempt=token, **self._story(task))
            try:
                with self._activity.tile():
                    injection.point("worker.tile", job=task.job, tile=task.tile)
                    piece = self._tiles.make(task)
            except BadImage as error:
                self._open.pop(place, None)  # it counts
                span.end(error)
                return self._dead(record, task, str(error), error)
            except TryAgain:
                self._close(place)
                raise
            except Exception as error:  # noqa: BLE001 - whatever a filter or decoder does: an attempt failed
                self._say(error, task, token)
                self._measures.ended(task, "error")
                self._open.pop(place, None)  # likewise
                span.end(error)
                cause = error
            else:
                self._breaker.made(task.job)
                return self._settle(place, opened, piece, began, span)

    def _say(self, error: Exception, task: TileTask, token: str) -> None:
        if isinstance(error, NoSuchBlob):  # where its job is being deleted, the next attempt is none
            log.warning("upload gone", **self._story(task), attempt=token)
        else:
            log.error("tile failed", cause=error, **self._story(task), attempt=token)

    def let_go(self) -> None:
        """Close the attempts still open: a worker that stops has not failed. Does what it can; raises nothing."""
        for place in list(self._open):
            with suppress(TryAgain):
                self._close(place)

    def _isolate(self, task: TileTask) -> None:
        """Raise TryAgain while another tile is being finished: were this one to end the worker, both would count."""
        if len(self._open) > 1:
            raise TryAgain("tile", f"tile {task.tile} of {task.job} was begun before, and must be alone")

    def _close(self, place: Place) -> None:
        """Let an attempt count no more, if it is open."""
        if place in self._open:
            token, task = self._open[place]
            self._state.jobs.give_back(task.job, task.gen, task.tile, token)
            self._open.pop(place, None)

    def _settle(self, place: Place, opened: Opened, piece: bytes, began: float, span: Span) -> Finish:
        # Not looked up: a record that came twice has one entry, which whoever finishes first takes away.
        token, task = opened
        span.event("computed")
        ms = round((time.monotonic() - began) * 1000)
        done = TileDone(
            job=task.job,
            gen=task.gen,
            tile=task.tile,
            token=token,
            lane=task.lane,
            size=len(piece),
            crc=crc32(piece),
            worker=self._worker,
            ms=ms,
        )

        told = False

        def settle() -> None:
            nonlocal told
            if not told:  # where only closing the attempt is tried again, the report is not sent again
                try:
                    tell()
                except TryAgain:
                    # The piece is made: a worker that ends while it waits for a part does not end because of it.
                    with suppress(TryAgain):
                        self._close(place)
                    raise
                told = True
            injection.point("worker.after-ack", job=task.job, tile=task.tile)
            self._close(place)
            self._measures.stored(task, len(piece), time.monotonic() - began)
            span.end(bytes=len(piece))
            log.event("tile done", **self._story(task), attempt=token, ms=ms, bytes=len(piece))
            injection.point("worker.before-offset", job=task.job, tile=task.tile)

        def tell() -> None:
            injection.point("worker.before-put", job=task.job, tile=task.tile)
            with self._measures.stage("store"):
                self._store.put(names.tile(task.job, task.tile, token), piece)
            span.event("stored")
            injection.point("worker.before-send", job=task.job, tile=task.tile)
            with self._measures.stage("publish"):
                # Hashed here, beside the next tile's work: of a whole photo that takes a millisecond or two.
                digest = sha256(piece).hexdigest() if task.plan.lone else ""
                report = messages.encode(replace(done, sha256=digest))
                sent = self._producer.send(self._topics.results, report, key=task.job, headers=span.headers)
                injection.point("worker.before-ack", job=task.job, tile=task.tile)
                self._producer.settle([sent])

        return settle

    def _exhausted(self, record: Record, task: TileTask, tokens: list[str], cause: Exception | None) -> Finish:
        """Give up a tile after three attempts, unless the breaker says that the fault is this worker's."""
        if cause is None:
            return self._dead(
                record, task, f"tile {task.tile}: three attempts, each of which its worker did not survive", None
            )
        if isinstance(cause, NoSuchBlob):  # no fault of this worker's
            return self._dead(record, task, "the upload is gone from the store", cause)
        reason = f"tile {task.tile}: failed three times, the last time with {type(cause).__name__}: {cause}"
        try:
            self._breaker.failed(task.job, reason)
        except Tripped:
            for token in tokens:  # a healthy worker's turn: these attempts say nothing about the tile
                self._state.jobs.give_back(task.job, task.gen, task.tile, token)
            raise
        return self._dead(record, task, reason, cause)

    def _dead(self, record: Record, task: TileTask, reason: str, error: Exception | None) -> Finish:
        def settle() -> None:
            attempts = self._state.jobs.attempts(task.job, task.tile)
            self._letters.bury(record, task, reason, error, attempts)
            self._measures.ended(task, "dead_lettered")
            log.warning("tile dead", **self._story(task), reason=reason)

        return settle

    def _story(self, task: TileTask) -> dict[str, Any]:
        """Return what every line about a tile tells."""
        return {"job": task.job, "tile": task.tile, "lane": task.lane, "worker": self._worker}


def read(record: Record) -> TileTask:
    """Return the task that a record is; raise BadRecord for anything else."""
    task = messages.decode(record.value)
    if not isinstance(task, TileTask):
        raise BadRecord(f"{type(task).__name__} does not belong here", record.value or b"")
    if task.tile >= task.plan.tiles:
        raise BadRecord(f"tile {task.tile} of {task.plan.tiles}", record.value or b"")
    return task
