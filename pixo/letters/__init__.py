"""Dead letters: what a role will never process, kept in `dead-letters` as it was, what is known about it in headers.

``writing`` puts them there, ``replaying`` takes them back.
"""

import traceback
from typing import Any

from msgspec import Struct

from pixo import messages
from pixo.broker import Record
from pixo.errors import BadRecord
from pixo.messages import Message

TRACE = 4096
"""Most bytes of a traceback in a header."""


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter. Times are unix seconds; what a header did not say is empty, None or 0."""

    id: str
    """``partition:offset`` of the letter itself, by which `pixo dead-letters replay` knows it."""
    time: float
    """When it was put away."""
    reason: str
    attempts: int
    worker: str
    """The process that put it away."""
    topic: str
    """Where the record came from, with the two that follow."""
    partition: int
    offset: int
    sent: float
    """When the record was sent there."""
    job: str
    gen: int
    tile: int | None
    """Of a tile's task; nothing of a record that could not be understood."""
    error: str
    """The exception's class."""
    trace: str
    value: bytes | None
    """The record as it was."""

    @property
    def origin(self) -> str:
        """The record's first place, as ``tasks[1]@52``."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def message(self) -> Message:
        """Return what the record says; raise BadRecord for one that this version cannot understand either."""
        return messages.decode(self.value)

    @property
    def readable(self) -> bool:
        """Whether the record can be understood."""
        try:
            self.message()
        except BadRecord:
            return False
        return True


def headers(
    record: Record, reason: str, worker: str, error: BaseException | None = None, **named: object
) -> dict[str, bytes]:
    """Return a letter's headers, with the record's own; ``named`` are ``job``, ``gen``, ``tile`` and ``attempts``."""
    said: dict[str, Any] = {
        "reason": reason,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "worker": worker,
        **named,
    }
    if error is not None:
        said["error"] = type(error).__name__
        said["trace"] = "".join(traceback.format_exception(error))[-TRACE:]
    return record.headers | {name: str(value).encode() for name, value in said.items()}


def read(record: Record) -> Letter:
    """Return the letter in a record of `dead-letters`, as far as its headers go."""
    said = {name: value.decode(errors="replace") for name, value in record.headers.items()}
    return Letter(
        id=f"{record.partition}:{record.offset}",
        time=record.timestamp_ms / 1000,
        reason=said.get("reason", ""),
        attempts=_number(said, "attempts") or 0,
        worker=said.get("worker", ""),
        topic=said.get("topic", ""),
        partition=_number(said, "partition") or 0,
        offset=_number(said, "offset") or 0,
        sent=(_number(said, "timestamp") or 0) / 1000,
        job=said.get("job", ""),
        gen=_number(said, "gen") or 0,
        tile=_number(said, "tile"),
        error=said.get("error", ""),
        trace=said.get("trace", ""),
        value=record.value,
    )


def _number(said: dict[str, str], name: str) -> int | None:
    """Return a header's number, None where it has none: letters are evidence, and must not be able to hide."""
    text = said.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
