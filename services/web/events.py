"""What happens to a job, as server-sent events (WHATWG HTML, 9.2): ``status``, ``tile``, and ``done`` at its end.

An event's id is its place in the job's stream, so that whoever comes back with the last one goes on from there. The
id of an end says that it is one: who comes back with that has seen all, for which the answer is 204, on which an
``EventSource`` stops to ask.
"""

import re
import time
from collections.abc import Iterator
from itertools import chain

import msgspec

from pixo.errors import Refusal, TryAgain
from pixo.state.records import Event, Job
from services.web import documents, lookup
from services.web.parts import Parts

MEDIA_TYPE = "text/event-stream"
AGAIN_MS = 2000
"""After how long a client whose connection broke off comes back."""
SLICE_MS = 2000
"""After how long without events a listener looks whether the job is still there and the process not stopping."""
STILL = 5.0
"""Seconds after which a silent stream says that it lives: proxies close quiet connections, and a client that has gone
is found only by sending to it."""
END = ".end"


def stream(parts: Parts, job: Job, last: str) -> Iterator[bytes] | None:
    """Return the stream from behind the event ``last``, or from the first that is kept; None when there is no more.

    The stream ends with the job. A part that is out of reach in between is waited for.
    """
    place, seen_end = _place(last)
    first = parts.state.jobs.events(job.id, place)
    if seen_end and not first and not job.live:
        return None
    return chain([b"retry: %d\n\n" % AGAIN_MS], _follow(parts, job.id, place, first))


def _follow(parts: Parts, id: str, place: str, found: list[Event]) -> Iterator[bytes]:
    kind, said = "", time.monotonic()
    while True:
        for event in found:
            kind, place, said = event.kind, event.id, time.monotonic()
            yield _text(event)
        try:
            # The end first: what happens between the two looks is then still found. A retried job has ends in its
            # stream behind which there is more.
            end = _end(parts, id) if kind == "done" or not found else None
            found = parts.state.jobs.events(id, place, 0 if end else SLICE_MS)
        except TryAgain:
            end, found = None, []
            time.sleep(1)  # between two looks: a part may refuse at once
        if end and not found:
            break
        if parts.stopping():
            return
        if time.monotonic() - said > STILL:
            said = time.monotonic()
            yield b": still here\n\n"
    if kind != "done":  # its own is not in the stream any more
        yield _text(Event(place, "done", {"status": end}))


def _end(parts: Parts, id: str) -> str | None:
    """Return the status of a job that has ended, None for one that has not."""
    try:
        job = lookup.find(parts, id)
    except Refusal:  # deleted, or gone for good
        return "deleted"
    return None if job.live else job.status


def _place(last: str) -> tuple[str, bool]:
    """Read a client's last id; one that was not given here is that of somebody who has seen nothing."""
    known = re.fullmatch(rf"(\d{{1,19}}-\d{{1,19}})({re.escape(END)})?", last, re.ASCII)
    return (known[1], bool(known[2])) if known else ("0-0", False)


def _text(event: Event) -> bytes:
    fields: dict[str, object] = dict(event.fields)
    id = event.id
    if event.kind == "tile":
        fields = {
            "tile": int(event.fields["tile"]),
            "state": documents.TILE_STATES[event.fields["state"]],
            "done": int(event.fields["done"]),
        }
    elif event.kind == "done":
        id += END
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (id.encode(), event.kind.encode(), msgspec.json.encode(fields))
