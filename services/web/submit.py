"""From an upload to a job: the steps of a submission, in the order that survives a crash between any two.

PUT source; probe, limits, plan; idempotency key -> id; PUT job.json; list; create, to the disk; enrol. What is refused,
at whichever step, leaves nothing in the store. The key is claimed only now, with the digest of what was uploaded:
the same key can then never stand for another image, and a refused upload does not use it up. What breaks off after
that, for want of a part, is taken back, unless it has a key: then the next request with the key finishes it.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from hashlib import sha256
from math import ceil
from secrets import token_hex
from typing import Any

import msgspec
from msgspec.structs import replace

from pixo import injection, logs, metrics, tracing
from pixo.errors import Refusal, TryAgain
from pixo.imaging import chain as chains
from pixo.imaging import planner
from pixo.imaging.probe import Header, probe
from pixo.settings import Work
from pixo.state.records import Spec
from pixo.store import names
from services.web import fields, truncation, upload
from services.web.parts import Parts

LONGEST_KEY = 255
SMALL_WEIGHT = 64
"""A job of at most so many times 512x512 pixels (16 MP: a camera's photo) may use the slots kept for small ones."""
SHORTEST_DEADLINE = 3600.0
SLOW_TILE = 0.25
"""Seconds of one tile from which on half a window is enough to keep a lane busy."""

log = logs.logger(__name__)


def submit(parts: Parts, environ: Mapping[str, Any], query: Mapping[str, str], key: str | None) -> str:
    """Make a job of an uploaded image and return its id; with a key that came before, the id of that job.

    Raise Refusal for what is not taken and TryAgain when a part is out of reach; both leave nothing behind, but what
    the next request with the key goes on from. That there is no room, or a part away, is found before a byte of the
    image is read.
    """
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Refusal("bad-field", f"An Idempotency-Key must have 1 to {LONGEST_KEY} characters.", limit=LONGEST_KEY)
    parts.reach.require()
    parts.room.require()
    job = token_hex(8)
    span = tracing.begin("upload", job, link=environ.get("HTTP_TRACEPARENT", ""))
    with ExitStack() as undo:
        undo.callback(_discard, parts, job)
        received = upload.receive(
            environ,
            lambda: parts.store.writer(names.source(job)),
            parts.settings.web.max_upload_bytes,
            query=query,
            digest=key is not None,
        )
        injection.point("web.after-source", job=job)
        span.event("received")
        spec = _specify(parts, job, received)
        if key is not None:
            claimed = parts.state.idempotency.claim(key, _fingerprint(received), job)
            if claimed is not None:
                return _again(parts, spec, claimed)
            # From here on the key stands for this job. Whoever sends it again finishes what breaks off below: taken
            # back, the job would be a deleted one, and the key's owner would be told so for ever.
            undo.pop_all()
        else:
            undo.callback(_unregister, parts, job)
        _register(parts, spec)
        undo.pop_all()
    span.end(bytes=spec.bytes, tiles=spec.plan.tiles, filters=spec.filters)
    metrics.upload_bytes.observe(spec.bytes)
    metrics.jobs_submitted.labels(metrics.operation(spec.filters)).inc()
    log.event("job taken", job=job, bytes=spec.bytes, tiles=spec.plan.tiles, filters=spec.filters)
    return job


def _specify(parts: Parts, job: str, received: upload.Received) -> Spec:
    wanted = fields.read(received.fields)
    chain = chains.parse(wanted.filters)
    header = _probe(parts, job, received.size)
    plan = planner.plan(
        header,
        chain,
        wanted.request,
        parts.settings.limits,
        tile_size=wanted.tile_size or _tile_size(parts),
        workers=max(1, len(parts.dispatcher.workers())),
        busy=parts.state.queue.crowded(),
    )
    window = parts.settings.work.window
    weight = ceil(plan.width * plan.height / 512**2)
    return Spec(
        id=job,
        created=round(time.time(), 3),
        filename=received.filename,
        bytes=received.size,
        filters=plan.chain,
        small=wanted.priority == "high" or weight <= SMALL_WEIGHT,
        weight=weight,
        deadline_s=max(SHORTEST_DEADLINE, 100 * plan.seconds),
        window=max(2, window // 2) if plan.seconds / plan.tiles > SLOW_TILE else window,
        keep_s=parts.settings.work.result_ttl,
        plan=plan,
    )


def _tile_size(parts: Parts) -> int | None:
    """Return the installation's own tile size; with the default, the planner chooses what is at least as large."""
    size = parts.settings.work.tile_size
    return None if size == Work().tile_size else size


def _probe(parts: Parts, job: str, size: int) -> Header:
    path = parts.store.path(names.source(job))
    with parts.store.reader(names.source(job)) as file:
        # libvips reads a file by itself, where there is one.
        header = probe(path or file)
        truncation.check(file, size, header)
    return header


def _register(parts: Parts, spec: Spec) -> None:
    parts.store.put(names.job_record(spec.id), msgspec.json.encode(spec))
    injection.point("web.after-record", job=spec.id)
    parts.state.queue.add(spec.id, round(spec.created * 1000))
    injection.point("web.after-list", job=spec.id)
    parts.state.jobs.create(spec)
    injection.point("web.after-create", job=spec.id)
    parts.dispatcher.enrol(spec.id, spec)


def _again(parts: Parts, spec: Spec, claimed: str) -> str:
    """Return the job that the key stands for; finish its submission if that was broken off."""
    known = parts.state.jobs.read(claimed)
    if known is None:
        # Its source was there before its key was claimed, unless it was cleaned away since.
        if parts.store.size(names.source(claimed)) is None:
            with parts.store.writer(names.source(claimed)) as writer:
                for chunk in parts.store.chunks(names.source(spec.id)):
                    writer.write(chunk)
        _register(parts, replace(spec, id=claimed))
    elif known.status == "queued":
        parts.dispatcher.enrol(claimed, known)
    return claimed


def _fingerprint(received: upload.Received) -> str:
    wanted = [
        received.digest,
        received.filename,
        *(f"{name}={value}" for name, value in sorted(received.fields.items())),
    ]
    return sha256(msgspec.json.encode(wanted)).hexdigest()


def _discard(parts: Parts, job: str) -> None:
    """Remove what a refused upload left; if the store does not answer, a sweep removes it."""
    with suppress(TryAgain):
        parts.store.delete_prefix(names.prefix(job))


def _unregister(parts: Parts, job: str) -> None:
    """Take back a registration that broke off, as far as the parts answer."""
    with suppress(TryAgain):
        parts.store.delete(names.job_record(job))
    with suppress(TryAgain):
        parts.dispatcher.delete(job)
