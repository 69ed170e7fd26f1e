"""Every record that travels through Kafka, on one screen, and the one codec for them.

Requests are named by the work, facts in the past tense. Tags are the wire names; a new field needs a default, a field
never changes its type, and unknown fields are skipped, so that old and new roles can overlap.
"""

import msgspec
from msgspec import Struct

from pixo.errors import BadRecord
from pixo.imaging.plan import Plan


class TileTask(Struct, frozen=True, kw_only=True, tag="tile.task"):
    """Process one tile of a job."""

    job: str
    gen: int
    tile: int
    lane: int
    """The partition of ``tasks`` whose run the tile belongs to."""
    until: int
    """The tile after the last one of the lane's run, a hint how far to decode."""
    plan: Plan


class TileDone(Struct, frozen=True, kw_only=True, tag="tile.done"):
    """A tile's segment is in the store, under the name made from the token."""

    job: str
    gen: int
    tile: int
    token: str
    lane: int
    size: int
    crc: int
    worker: str
    ms: int
    sha256: str = ""
    """Of a piece that is the final image: the job is done with it."""


class TileDead(Struct, frozen=True, kw_only=True, tag="tile.dead"):
    """A tile will not be tried again."""

    job: str
    gen: int
    tile: int
    reason: str
    worker: str


class Heartbeat(Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """A role is alive; ``stopping`` marks its last heartbeat."""

    id: str
    role: str
    version: str
    host: str
    started: float
    """Unix time, seconds."""
    partitions: list[int] = []
    """The partitions of ``tasks`` that a worker holds."""
    tiles: int = 0
    busy: float = 0.0
    """Share of the time since the last heartbeat spent on tiles, 0-1."""
    rss: int = 0
    cpu: str = ""
    """Instruction set that decides whether float filters agree between machines."""
    stopping: bool = False


Message = TileTask | TileDone | TileDead | Heartbeat

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return the record's bytes: JSON with its tag in ``type``."""
    return _encoder.encode(message)


def decode(raw: bytes | None) -> Message:
    """Return the record in the bytes; raise BadRecord, which keeps them, for anything else."""
    try:
        return _decoder.decode(raw or b"")
    except msgspec.MsgspecError as error:
        raise BadRecord(str(error), raw or b"") from error
