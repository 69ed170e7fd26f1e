"""Joins the pieces of a job into its final image; whose final counts is decided by the state (docs/protocol.md)."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from secrets import token_hex
from typing import Self, TypeVar

from pixo import injection, logs, metrics, tracing
from pixo.broker import Producer
from pixo.dispatch import Dispatcher
from pixo.errors import BadImage, BadPiece, TryAgain
from pixo.imaging.join import join
from pixo.imaging.metadata import Metadata
from pixo.imaging.metadata import read as read_metadata
from pixo.state import State
from pixo.state.records import Joining
from pixo.store import NoSuchBlob, Store, Writer, names
from services.results import pieces
from services.results.leases import Lease, Leases

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
"""Seconds between two tries while a part is out of reach; after that the job is left to the reconciler."""
MOST_FAILURES = 3
GRACE = 15.0
"""Seconds that a join may go on when the process is told to end; then it is somebody else's."""

log = logs.logger(__name__)

T = TypeVar("T")


class Joiner:
    """A small pool that joins jobs; a context manager, whose end waits for the joins under way."""

    def __init__(
        self,
        *,
        state: State,
        store: Store,
        producer: Producer,
        dispatcher: Dispatcher,
        leases: Leases,
        threads: int = 2,
    ) -> None:
        self._state = state
        self._store = store
        self._producer = producer
        self._dispatcher = dispatcher
        self._leases = leases
        self._pool = ThreadPoolExecutor(threads, "join")
        self._lock = threading.Lock()
        self._alone = threading.Lock()
        self._taken: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._stop = threading.Event()
        self._give_up = float("inf")

    def submit(self, job: str) -> None:
        """Join the job soon, unless that is under way here."""
        with self._lock:
            if job in self._taken or self._stop.is_set():
                return
            self._taken.add(job)
        self._pool.submit(self._take, job)

    def join(self, job: str, token: str) -> bool:
        """Join the job if nobody else does; return whether it has ended by that.

        Doing it again with the same token, after TryAgain, is the same join.
        """
        joining = self._state.jobs.start_join(job, token)
        if joining != "alone":
            return self._join(job, token, joining)
        # It may be what ended the last process, and with it all that was joined there: one such at a time.
        with self._alone:
            joining = self._state.jobs.start_join(job, token, alone=True)
            return joining != "alone" and self._join(job, token, joining)

    def _join(self, job: str, token: str, joining: Joining | None) -> bool:
        if joining is None:
            return False
        with self._leases.hold(job, joining.gen, token) as lease:
            try:
                began = time.monotonic()
                span = tracing.begin("join", job, attempt=token)
                injection.point("results.before-read", job=job)
                digest, size = self._write(joining, lease)
            except BadPiece as error:
                return self._reopen(joining, lease, error)
            except pieces.InVain as error:
                log.warning("join given up", job=job, reason=error)
                return False
            except (BadImage, NoSuchBlob) as error:
                return self._state.jobs.fail(job, joining.gen, str(error))
            seconds = time.monotonic() - began
            metrics.stitch_duration.observe(seconds)
            final = names.final(job, token)
            injection.point("results.after-final", job=job)
            if not self._state.jobs.finish_join(job, joining.gen, token, final, digest, size):
                self._store.delete(final)
                return False
            span.end(bytes=size)
            log.event("job joined", job=job, attempt=token, bytes=size, ms=round(seconds * 1000))
            injection.point("results.after-finish", job=job)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up = time.monotonic() + GRACE
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, joining: Joining, lease: Lease) -> tuple[str, int]:
        job = lease.job
        metadata = self._metadata(job)
        with self._store.writer(names.final(job, lease.token)) as file:
            hashed = _Hashed(file)
            segments = pieces.read(self._store, job, joining.records, lambda: self._in_vain(lease))
            if joining.plan.lone:
                # Such a job is done with its tile, unless Redis lost that it had begun.
                for final in segments:
                    hashed.write(final)
            else:
                join(joining.plan, metadata, segments, hashed.write)
        return hashed.digest.hexdigest(), hashed.size

    def _in_vain(self, lease: Lease) -> str:
        if lease.lost:
            return "its lease is lost"
        return "this process ends" if time.monotonic() > self._give_up else ""

    def _metadata(self, job: str) -> Metadata:
        key = names.source(job)
        path = self._store.path(key)
        if path is not None and path.exists():
            return read_metadata(path)
        with self._store.reader(key) as file:
            return read_metadata(file)

    def _reopen(self, joining: Joining, lease: Lease, error: BadPiece) -> bool:
        tiles = pieces.broken(self._store, lease.job, joining.records) or [error.tile]
        log.warning("pieces must be made again", job=lease.job, tiles=len(tiles), reason=error)
        handout = self._state.jobs.reopen(lease.job, joining.gen, lease.token, tiles)
        self._producer.settle(self._dispatcher.publish(lease.job, handout))
        return handout.status == "failed"

    def _take(self, job: str) -> None:
        token, ended = token_hex(4), False
        try:
            ended = self._patiently(lambda: self.join(job, token))
            if ended:
                self._patiently(lambda: self._dispatcher.ended(job))
        except TryAgain as error:
            log.warning("join left to the reconciler", job=job, part=error.part, reason=error)
        except Exception as error:  # noqa: BLE001 - the boundary of this thread: nobody else would see it
            log.error("join failed", cause=error, job=job)
            self._count(job, error)
        else:
            self._failures.pop(job, None)
        finally:
            if not ended:
                with suppress(TryAgain):  # then the lease runs out
                    self._state.jobs.leave_join(job, token)
            with self._lock:
                self._taken.discard(job)

    def _count(self, job: str, error: Exception) -> None:
        """Fail a job that cannot be joined for a reason that nobody foresaw, at the third time."""
        self._failures[job] += 1
        if self._failures[job] < MOST_FAILURES:
            return
        with suppress(TryAgain):  # the reconciler brings it here again
            known = self._state.jobs.read(job)
            failed = known and self._state.jobs.fail(job, known.gen, f"the tiles could not be joined: {error}")
            self._failures.pop(job, None)  # a client's retry begins anew
            if failed:
                self._dispatcher.ended(job)

    def _patiently(self, step: Callable[[], T]) -> T:
        for pause in PAUSES:
            try:
                return step()
            except TryAgain:
                if self._stop.wait(pause):
                    raise
        return step()


class _Hashed:
    """Passes bytes on, and knows their number and SHA-256."""

    def __init__(self, file: Writer) -> None:
        self._file = file
        self.digest = sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._file.write(data)
