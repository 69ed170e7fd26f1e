"""What the state gives and takes. Times are unix seconds unless a name ends in ``_ms``."""

from typing import Literal, NamedTuple

from msgspec import Struct

from pixo.imaging.plan import Plan

Status = Literal["queued", "processing", "stitching", "done", "failed", "cancelled", "expired", "deleted"]
LIVE: frozenset[str] = frozenset({"queued", "processing", "stitching"})


class Spec(Struct, frozen=True, kw_only=True):
    """Everything that a job is created from, fixed at the upload; kept as ``job.json`` beside the source."""

    id: str
    r: int = 0
    """How often the client retried the job."""
    created: float
    filename: str
    bytes: int
    filters: str
    small: bool
    """Whether the job may use the slots reserved for small ones."""
    weight: int
    """Size for ageing in the queue: pixels / 512**2, rounded up."""
    deadline_s: float
    """Seconds from its start after which the job fails."""
    window: int = 8
    """Most tiles of a lane that are in Kafka at once."""
    keep_s: float = 86_400.0
    """Seconds that images are kept after the end."""
    plan: Plan


class End(Struct, frozen=True, kw_only=True):
    """How a job ended; kept as ``end.json``. Valid for the job only while ``r`` is the job's."""

    r: int
    status: Literal["done", "failed", "cancelled"]
    finished: float
    started: float | None = None
    final: str = ""
    sha256: str = ""
    size: int = 0
    error: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """A job as it stands. Of a deleted one only ``id``, ``status``, ``gen`` and ``r`` are known."""

    id: str
    status: Status
    gen: int
    r: int = 0
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    updated: float = 0.0
    filename: str = ""
    bytes: int = 0
    filters: str = ""
    small: bool = False
    weight: int = 1
    keep_s: float = 86_400.0
    total: int = 0
    done: int = 0
    dead: int | None = None
    """The tile that made the job fail."""
    final: str = ""
    sha256: str = ""
    size: int = 0
    error: str = ""
    reopens: int = 0
    plan: Plan | None = None

    @property
    def live(self) -> bool:
        """Whether the job has still to end."""
        return self.status in LIVE

    @property
    def expires(self) -> float | None:
        """When the images may go."""
        return None if self.finished is None else self.finished + self.keep_s

    @property
    def end(self) -> End | None:
        """What ``end.json`` shall hold; None for a job that is live, deleted or expired."""
        match self.status:
            case "done" | "failed" | "cancelled":
                return End(
                    r=self.r,
                    status=self.status,
                    finished=self.finished or self.updated,
                    started=self.started,
                    final=self.final,
                    sha256=self.sha256,
                    size=self.size,
                    error=self.error,
                )
            case _:
                return None


class Task(NamedTuple):
    """A tile that was handed out and is to be published."""

    gen: int
    tile: int
    lane: int
    until: int
    """The tile after the last one of the run that the tile belongs to."""


class Handout(Struct, frozen=True, kw_only=True):
    """What a script that can hand out tiles says.

    ``status``: ``ok``; ``join``: all tiles are there, a joiner is wanted; ``gone``, ``stale``, ``ended``: the guard;
    ``dup`` and ``done`` from ``complete``; ``queued``, ``stitching`` (a joiner is at it) and ``failed`` from
    ``recheck``, ``take`` and ``reopen``.
    """

    status: str
    gen: int = 0
    tasks: list[Task] = []
    plan: Plan | None = None
    """There when tasks are."""
    left: int = 0
    """Tiles not yet given out, where the script looked."""


class TileRecord(Struct, frozen=True, kw_only=True):
    """One tile of a job."""

    tile: int
    state: Literal["waiting", "active", "done", "dead"] = "done"
    token: str = ""
    size: int = 0
    crc: int = 0
    worker: str = ""
    ms: int = 0
    attempts: int = 0
    reason: str = ""


class Joining(Struct, frozen=True, kw_only=True):
    """A lease on the joining of a job, with the pieces that count, by tile."""

    gen: int
    plan: Plan
    records: list[TileRecord]


class Tally(NamedTuple):
    """Where the tiles of a job are. ``nowhere`` is 0, or Pixo has lost some: nobody will ever make them."""

    todo: int
    out: int
    done: int
    nowhere: int


class Event(NamedTuple):
    """Something that happened to a job: ``kind`` is ``status``, ``tile`` or ``done``."""

    id: str
    kind: str
    fields: dict[str, str]


STALE_S = 7.5
"""Seconds since its last heartbeat after which a process that still counts as alive is late."""


class Worker(Struct, frozen=True, kw_only=True):
    """A process as its last heartbeat told; alive when that is younger than 15 s."""

    id: str
    role: str
    host: str
    version: str
    started: float
    seen: float
    partitions: list[int] = []
    tiles: int = 0
    busy: float = 0.0
    rss: int = 0
    cpu: str = ""
    dead: bool = False
    """Whether it fell silent without a farewell."""

    def state(self, now: float) -> Literal["alive", "stale", "dead"]:
        """Say how it is, by the unix time."""
        if self.dead:
            return "dead"
        return "stale" if now - self.seen > STALE_S else "alive"
