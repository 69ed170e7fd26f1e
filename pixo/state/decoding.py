"""From what the scripts and Redis give to records."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pixo.imaging.plan import Plan
from pixo.state.records import Event, Handout, Job, Task, TileRecord

_plan = msgspec.json.Decoder(Plan)
_TIMES = {"created", "started", "finished", "updated", "keep"}
_NAMES = {"sha": "sha256", "keep": "keep_s"}
_KNOWN = frozenset(Job.__struct_fields__) - {"plan"}


def handout(reply: list[Any]) -> Handout:
    """Return the answer of a script that can hand out tiles."""
    word, gen, left, plan, *numbers = reply
    generation = int(gen)
    threes = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return Handout(
        status=word.decode(),
        gen=generation,
        left=left,
        plan=_plan.decode(plan) if plan else None,
        tasks=[Task(generation, tile, lane, until) for tile, lane, until in threes],
    )


def job(id: str, raw: dict[bytes, bytes], recorded: int) -> Job | None:
    """Return the job of a hash and the number of its tiles' records; None if there is none."""
    if not raw:
        return None
    values: dict[str, Any] = {"id": id}
    for field, value in raw.items():
        name = field.decode()
        known = _NAMES.get(name, name)
        if known in _KNOWN:
            values[known] = int(value) / 1000 if name in _TIMES else value.decode()
    if raw.get(b"plan"):
        values["plan"] = _plan.decode(raw[b"plan"])
    values["done"] = values["total"] if values["status"] in ("done", "expired") else recorded - ("dead" in values)
    return msgspec.convert(values, Job, strict=False)


def tile(n: int, record: bytes, tries: bytes | None = None) -> TileRecord:
    """Return a tile of its record: ``done|token|size|crc|worker|ms|attempts``, or ``dead|reason`` and ``tries``."""
    kind, rest = record.decode().split("|", 1)
    if kind == "dead":
        return TileRecord(tile=n, state="dead", reason=rest, attempts=attempts(tries))
    token, size, crc, tail = rest.split("|", 3)
    worker, ms, begun = tail.rsplit("|", 2)  # a worker may call itself what it likes
    return TileRecord(tile=n, token=token, size=int(size), crc=int(crc), worker=worker, ms=int(ms), attempts=int(begun))


def run(text: bytes) -> range:
    """Return the tiles of a lane's run, ``a-b`` without b."""
    return range(*map(int, text.split(b"-")))


def attempts(record: bytes | None) -> int:
    """Return how often a tile was begun, of its ``tries`` entry."""
    return int(record.split(b"|", 1)[0]) if record else 0


def events(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[Event]:
    """Return the entries of an event stream."""
    found = []
    for id, raw in entries:
        values = {name.decode(): value.decode() for name, value in raw.items()}
        found.append(Event(id.decode(), values.pop("kind"), values))
    return found


def pairs(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """Return a hash as a script returns it, by pairs."""
    return zip(flat[::2], flat[1::2], strict=True)
