"""List dead letters, newest first, or replay them; the settings are PIXO_* variables.

Replaying a tile's letter retries its job: failed tiles only, as the page's Retry does. A letter about another record
sends that back to its topic. Exit code 1: something that was asked for cannot be replayed.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from pixo import broker, letters, output, state, store, topics
from pixo.dispatch import Dispatcher
from pixo.errors import ConfigError, Refusal, TryAgain
from pixo.letters import Letter
from pixo.letters.replaying import Replay, Verdict
from pixo.settings import Settings, load


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", nargs="?", choices=["list", "replay"], default="list", help="default: list")
    parser.add_argument("which", nargs="*", metavar="LETTER|JOB", help="only these letters, or those of these jobs")
    parser.add_argument("--all", action="store_true", help="replay all that can be replayed")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="list at most this many (default 20)")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="the broker (default: PIXO_KAFKA)")
    output.json_option(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Do it."""
    if given.action == "replay" and bool(given.which) == given.all:
        raise ConfigError("replay takes letters or jobs by name, or --all")
    if given.limit < 0:
        raise ConfigError(f"--limit {given.limit}: at least 0")
    settings = load({**environ, **({"PIXO_KAFKA": given.kafka} if given.kafka else {})})
    with contextlib.closing(broker.open(settings.kafka, "pixo-dead-letters")) as kafka:
        found = _chosen(_read(kafka, settings), given.which)
        if given.action == "replay":
            return _replay(kafka, settings, found, json=given.json)
    _list(found[: given.limit], json=given.json)
    if len(found) > given.limit:
        print(f"pixo dead-letters: {len(found) - given.limit} older ones; --limit shows more", file=sys.stderr)
    return 0


def _read(kafka: broker.Broker, settings: Settings) -> list[Letter]:
    """Return all letters, newest first; those of one millisecond by offset, which orders them within a partition."""
    try:
        found = list(kafka.kept(topics.names(settings.kafka).dead_letters))
    except TryAgain as error:
        raise TryAgain("kafka", f"Kafka at {settings.kafka.kafka}: {error}") from error
    found.sort(key=lambda record: (record.timestamp_ms, record.offset), reverse=True)
    return [letters.read(record) for record in found]


def _chosen(found: list[Letter], which: Collection[str]) -> list[Letter]:
    """Return those with one of these ids or jobs; all, for none. Raise Refusal for a name that is nobody's."""
    known = {name for letter in found for name in (letter.id, letter.job) if name}
    if unknown := [name for name in which if name not in known]:
        raise Refusal("no-such-letter", f"no letter, and no job with letters, is called {unknown[0]!r}")
    return [letter for letter in found if not which or letter.id in which or letter.job in which]


def _list(found: Iterable[Letter], *, json: bool) -> None:
    if json:
        output.document({"letters": [_document(letter) for letter in found]})
        return
    rows = [
        (
            letter.id,
            _moment(letter.time),
            letter.job or "-",
            "-" if letter.tile is None else letter.tile,
            letter.attempts or "-",
            letter.worker,
            letter.origin,
            letter.reason if letter.readable else f"{letter.reason} (unreadable: cannot be replayed)",
        )
        for letter in found
    ]
    output.table(("LETTER", "TIME", "JOB", "TILE", "ATTEMPTS", "WORKER", "ORIGIN", "REASON"), rows)


def _replay(kafka: broker.Broker, settings: Settings, found: Iterable[Letter], *, json: bool) -> int:
    names = topics.names(settings.kafka)
    with contextlib.closing(state.open(settings.redis, patient=False)) as redis:
        producer, admin = kafka.producer(), kafka.admin()
        blobs = store.open(settings.store)
        dispatcher = Dispatcher(redis, producer, names, time.monotonic, store=blobs, admin=admin)
        replay = Replay(state=redis, dispatcher=dispatcher, producer=producer, admin=admin)
        done = list(replay.replay(found))
    if json:
        output.document({"replayed": [{**_document(letter), **verdict._asdict()} for letter, verdict in done]})
    else:
        output.table(("LETTER", "JOB", "DONE"), [(letter.id, letter.job or "-", _said(it)) for letter, it in done])
    return int(any(verdict.deed == "impossible" for _, verdict in done))


def _said(verdict: Verdict) -> str:
    lead = {"none": "nothing to do: ", "impossible": "cannot be replayed: "}.get(verdict.deed, "")
    return lead + verdict.why


def _document(letter: Letter) -> dict[str, Any]:
    value = (letter.value or b"").decode(errors="replace")
    known = {**msgspec.structs.asdict(letter), "origin": letter.origin, "readable": letter.readable, "value": value}
    return {**known, "time": _moment(letter.time), "sent": _moment(letter.sent)}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
