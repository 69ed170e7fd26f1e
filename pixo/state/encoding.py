"""From records to what the scripts take."""

from collections.abc import Iterator

import msgspec

from pixo.messages import TileDone
from pixo.state.records import End, Spec


def fields(spec: Spec, end: End | None) -> Iterator[str | bytes | int]:
    """Return the fields of a new job's hash as name, value, name, value. Times within are ms."""
    yield from ("status", end.status if end else "queued", "r", spec.r, "created", int(spec.created * 1000))
    yield from ("filename", spec.filename, "bytes", spec.bytes, "filters", spec.filters)
    yield from ("small", int(spec.small), "weight", spec.weight, "window", spec.window)
    yield from ("patience", int(spec.deadline_s * 1000), "keep", int(spec.keep_s * 1000))
    yield from ("total", spec.plan.tiles, "skip", str(spec.plan.skip), "plan", msgspec.json.encode(spec.plan))
    if not end:
        return
    yield from ("finished", int(end.finished * 1000), "final", end.final, "sha", end.sha256)
    yield from ("size", end.size, "error", end.error)
    if end.started is not None:
        yield from ("started", int(end.started * 1000))


def tile(done: TileDone) -> str:
    """Return a finished tile's record; the script adds the number of attempts."""
    return f"done|{done.token}|{done.size}|{done.crc}|{done.worker}|{done.ms}"
