"""Faults made on purpose at named points of the code, for tests of what no test can reach from outside.

Off, at the cost of a look at an empty dict, unless ``PIXO_FAULTS`` is set: faults with commas, each a point, a kind
and when it strikes.

    PIXO_FAULTS='worker.before-put:kill@3,worker.tile:segfault@tile=3@once=/run/mark,results.while-writing:slow=2'

A kind is ``kill`` (SIGKILL), ``exit`` (at once, no farewell; ``=code``), ``raise`` (a mistake; ``=kafka``, ``=redis``
or ``=store``: that part is out of reach), ``slow=seconds``, ``hang``, ``stop`` (SIGSTOP), ``segfault``, or
``memory=MiB``, taken and kept. It strikes at every pass, or where all of these hold: ``@3`` the third pass in this
process (``@3-``: from then on; ``@1-3``: the first three), ``@tile=3`` something that the point knows has this value,
``@once=file`` only in the one process of all that makes this file.

What classifies the errors of a real Kafka is ``pixo.broker.faults``.
"""

import ctypes
import math
import os
import re
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pixo import logs
from pixo.errors import ConfigError, TryAgain

VARIABLE = "PIXO_FAULTS"
POINTS = {
    "worker.before-begin": "a task was read; its attempt is not counted yet (job, tile)",
    "worker.tile": "in the work on a tile (job, tile)",
    "worker.before-put": "the piece is made, and not in the store (job, tile)",
    "worker.before-send": "the piece is stored, and nobody was told (job, tile)",
    "worker.before-ack": "the tile was reported, and Kafka has not acknowledged it (job, tile)",
    "worker.after-ack": "Kafka has the report; the attempt is still open (job, tile)",
    "worker.before-offset": "all is there but the offset (job, tile)",
    "worker.before-letter": "a record is to be dead-lettered (job and tile, where it has any)",
    "worker.after-letter": "its letter is in Kafka, and `results` was not told (job, tile)",
    "consumer.before-commit": "finished offsets are handed to the client, and not committed (topic)",
    "results.after-complete": "a tile counts; the next tasks are not sent (job, tile)",
    "results.before-ack": "the next tasks are sent, and Kafka has not acknowledged them (job, tile)",
    "results.before-read": "a join holds its lease and has read nothing (job)",
    "results.while-writing": "a piece is about to go into the final (job, tile)",
    "results.after-final": "the final is in the store; the job is not done (job)",
    "results.after-finish": "the job is done; nothing is cleared up (job)",
    "web.after-source": "the upload is in the store (job)",
    "web.after-record": "job.json is in the store; the job is not listed (job)",
    "web.after-list": "the job is listed; it has no state (job)",
    "web.after-create": "the job has its state; it does not wait in the queue (job)",
    "dispatch.after-claim": "a job has its place; it is not started (job)",
    "dispatch.after-start": "a job is started; no task is sent (job)",
    "dispatch.while-publishing": "a task is about to be sent (job, tile)",
    "dispatch.after-end": "end.json is written; the job's place is not free (job)",
}
"""Every point, with what has happened there and what it knows."""
PARTS = ("kafka", "redis", "store")
EXIT = 70
"""Exit code of ``exit`` without another."""

log = logs.logger(__name__)


class Injected(Exception):
    """Raised by ``raise``: not one of Pixo's errors, for it stands for a mistake that nobody foresaw."""


class Fault(Struct):
    """One fault and when it strikes."""

    kind: str
    value: str = ""
    passes: tuple[float, float] = (1, math.inf)
    place: dict[str, str] = {}
    once: str = ""
    passed: int = 0

    def meets(self, place: Mapping[str, object]) -> bool:
        """Count a pass through the point, if it is at the right place; return whether the fault strikes."""
        if any(str(place.get(name)) != value for name, value in self.place.items()):
            return False
        self.passed += 1
        first, last = self.passes
        return first <= self.passed <= last and (not self.once or _made(Path(self.once)))


_armed: dict[str, list[Fault]] = {}
_lock = threading.Lock()


def point(name: str, **place: object) -> None:
    """Pass a point; suffer the faults that are armed there."""
    if not _armed:
        return
    with _lock:
        struck = [fault for fault in _armed.get(name, ()) if fault.meets(place)]
    for fault in struck:
        log.warning("fault injected", point=name, kind=fault.kind, **place)
        _suffer(fault, name)


def arm(environ: Mapping[str, str]) -> list[str]:
    """Take the faults of ``PIXO_FAULTS``, and no others from now on, and return their points; raise ConfigError."""
    _armed.clear()
    for text in filter(None, environ.get(VARIABLE, "").split(",")):
        name, fault = parse(text.strip())
        _armed.setdefault(name, []).append(fault)
    return sorted(_armed)


def parse(text: str) -> tuple[str, Fault]:
    """Return the point and the fault of one entry."""
    what, *conditions = text.split("@")
    name, _, kind = what.partition(":")
    kind, _, value = kind.partition("=")
    if name not in POINTS:
        raise ConfigError(f"{VARIABLE}={text!r}: there is no point {name!r}; there are {', '.join(POINTS)}")
    allowed = _KINDS.get(kind)
    if allowed is None or not re.fullmatch(allowed, value):
        known = ", ".join(f"{one}={form}" if form else one for one, form in _KINDS.items())
        raise ConfigError(f"{VARIABLE}={text!r}: there is no fault {kind!r} with {value!r}; there are {known}")
    fault = Fault(kind, value)
    for condition in conditions:
        key, sign, wanted = condition.partition("=")
        if key == "once" and wanted:
            fault.once = wanted
        elif sign:
            fault.place[key] = wanted
        elif passes := re.fullmatch(r"([1-9]\d*)(-?)(\d*)", condition):
            first, dash, last = passes.groups()
            fault.passes = int(first), int(last) if last else math.inf if dash else int(first)
        else:
            raise ConfigError(f"{VARIABLE}={text!r}: {condition!r} is no pass, place or once=file")
    return name, fault


_NUMBER = r"\d+(\.\d+)?"
_KINDS = {
    "kill": "",
    "exit": r"(\d{1,3})?",
    "raise": f"({'|'.join(PARTS)})?",
    "slow": _NUMBER,
    "hang": "",
    "stop": "",
    "segfault": "",
    "memory": r"\d+",
}
_kept: list[bytearray] = []


def _suffer(fault: Fault, name: str) -> None:
    match fault.kind:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(int(fault.value or EXIT))
        case "raise" if fault.value:
            raise TryAgain(fault.value, f"injected at {name}")
        case "raise":
            raise Injected(f"injected at {name}")
        case "slow":
            time.sleep(float(fault.value))
        case "hang":
            threading.Event().wait()
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "segfault":
            ctypes.string_at(0)
        case "memory":
            _kept.append(bytearray(b"\x01") * (int(fault.value) << 20))


def _made(mark: Path) -> bool:
    """Make the file; return whether it was not there before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
