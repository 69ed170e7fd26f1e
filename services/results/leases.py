"""The right to join a job, kept alive while the joining goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pixo import logs
from pixo.errors import TryAgain
from pixo.ticker import Ticker

RENEW = 10.0
"""Seconds between two renewals; a lease ends 30 s after the last."""

log = logs.logger(__name__)

Renew = Callable[[str, int, str], bool]
"""From job, generation and token to whether the lease is still held."""


class Lease:
    """One joiner's right to one job."""

    def __init__(self, job: str, gen: int, token: str) -> None:
        self.job = job
        self.gen = gen
        self.token = token
        self.lost = False
        """Whether somebody else has it by now, or the job has ended: what is being written will not count."""


class Leases(Ticker):
    """Renews all leases that are held, in one thread; a context manager."""

    def __init__(self, renew: Renew) -> None:
        self._renew = renew
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        super().__init__("leases", RENEW, self.renew)

    @contextmanager
    def hold(self, job: str, gen: int, token: str) -> Iterator[Lease]:
        """Keep a lease that was just taken until the block ends."""
        lease = Lease(job, gen, token)
        with self._lock:
            self._held.add(lease)
        try:
            yield lease
        finally:
            with self._lock:
                self._held.discard(lease)

    def renew(self) -> None:
        """Renew every lease once."""
        with self._lock:
            held = list(self._held)
        for lease in held:
            try:
                lease.lost |= not self._renew(lease.job, lease.gen, lease.token)
            except TryAgain as error:
                log.warning("lease not renewed", job=lease.job, reason=error)
