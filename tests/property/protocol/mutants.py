"""Takes one rule of the protocol away at a time, and looks whether the model finds that: ``make mutants``.

A rule whose absence nobody finds is either not needed or not tested; docs/adr/0009 says which.
"""

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

from pixo import lanes, marks
from pixo.dispatch import Dispatcher
from pixo.state import jobs, scripts
from pixo.state.queue import Queue
from pixo.store import names
from services.results import reconciler, sweep, verdicts
from services.results.orphans import Orphans
from services.web import submit
from tests.property.protocol.kafka import Producer
from tests.property.protocol.play import Broken, compose, perform
from tests.property.protocol.servers import valkey
from tests.property.protocol.world import World

LENGTH = 150
SAME_JOINER = " or redis.call('HGET', job, 'join_token') ~= ARGV[2]"
FRESH = "if redis.call('HEXISTS', tiles, n) == 0 and not redis.call('ZSCORE', out, n) then"
PASSED = "local passed = at < safe - margin and at < results - margin"
DOUBLED = " * 2 ^ tonumber(redis.call('HGET', again, flat[i]) or 0)"


class Mutant(NamedTuple):
    """A rule, and the world without it."""

    rule: str
    without: Callable[[], contextlib.AbstractContextManager[Any]]


def lua(script: str, rule: str, instead: str = "") -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """Give a world whose script has something else in place of a rule."""

    @contextlib.contextmanager
    def without() -> Iterator[None]:
        real = scripts._text
        assert rule in real(script), f"{script}.lua has changed: there is no {rule!r}"
        with mock.patch.object(
            scripts, "_text", lambda name: real(name).replace(rule, instead) if name == script else real(name)
        ):
            yield

    return without


def swap(target: Any, name: str, instead: Any) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """Give a world in which something of the code is something else."""
    return lambda: mock.patch.object(target, name, instead)


def _register_without_record(parts: Any, spec: Any) -> None:
    parts.state.queue.add(spec.id, round(spec.created * 1000))
    parts.state.jobs.create(spec)
    parts.dispatcher.enrol(spec.id, spec)


def _ended_without_record(self: Any, id: str) -> None:
    self._state.queue.release(id)
    self.admit()


def _steps_without(*left_out: str) -> Callable[..., list[Any]]:
    real = verdicts.steps
    return lambda *args, **known: [step for step in real(*args, **known) if step not in left_out]


def _safe_by_stale_commits(trail: Any, look: Any, partition: int) -> int:
    return int(trail.safe(max(look.committed.get(partition) or 0, look.starts.get(partition, 0))))


def _look_ends_first(self: Any, topic: str, group: str) -> Any:
    ends, starts = self._admin.ends(topic), self._admin.starts(topic)
    return marks.Offsets(starts=starts, ends=ends, committed=self._admin.committed(group, topic))


def _note_whatever_results_say(self: Any, now_ms: int, tasks: Any, results: Any) -> None:
    marks._follow(self._results, now_ms, results)
    self.results_safe = now_ms
    marks._follow(self._tasks, now_ms, tasks)
    self.safe = {p: marks._safe(self._tasks[p], tasks, p) for p in tasks.ends}


def _choose_twice(workers: Any, partitions: int, out: Any, *, tiles: int, alone: bool, turn: int = 0) -> list[int]:
    holders = [held for held in ([p for p in held if p < partitions] for held in workers) if held] or [[0]]
    return [min(held) for held in holders[: max(1, tiles // 4) if alone else 1]]


def _compared_at_first_sight(self: Any) -> bool:
    return not self._client.set("pixo:compared", 1, nx=True)


def _settle_nothing(self: Any, futures: Any, timeout: float = 30.0) -> None:
    pass


MUTANTS = (
    # docs/protocol.md 8, in its order
    Mutant("the token in a final's name", swap(names, "final", lambda job, token: f"jobs/{job}/final")),
    Mutant("the token in a piece's name", swap(names, "tile", lambda job, n, token: f"jobs/{job}/tiles/{n}")),
    Mutant("finish_join asks for the generation", lua("finish_join", "gen ~= ARGV[1] or ")),
    Mutant("finish_join asks for the token", lua("finish_join", SAME_JOINER)),
    Mutant("finish_join asks for the status", lua("finish_join", "if status ~= 'stitching' then return 0 end")),
    Mutant("the guard: no status, no writes", lua("prelude", "if not status then return 'gone' end")),
    Mutant("the guard: another generation", lua("prelude", "if wanted and wanted ~= gen then return 'stale' end")),
    Mutant("the guard: an ended job", lua("prelude", "if not LIVE[status] then return 'ended' end")),
    Mutant("job.json is written", swap(submit, "_register", _register_without_record)),
    Mutant("the sweep enrols what is queued", swap(sweep, "steps", _steps_without("enrol"))),
    Mutant("the sweep activates what is at work", swap(sweep, "steps", _steps_without("activate"))),
    Mutant("offsets, not a timeout", lua("recheck", "if passed or t - at > ceiling", "if t - at > 20000")),
    Mutant("take passes over what is finished or out", lua("lanes", FRESH, "do")),
    Mutant("WAITAOF", swap(World, "run_durably", World.run)),
    Mutant("an acknowledged attempt leaves tries", lua("give_back", "if one ~= ARGV[3] then", "do")),
    Mutant("the ceiling doubles", lua("recheck", DOUBLED)),
    # the clauses of `lost`
    Mutant("lost: consumed long ago", lua("recheck", PASSED, "local passed = false")),
    Mutant("lost: not before tasks are consumed", lua("recheck", "at < safe - margin and ")),
    Mutant("lost: not before results are consumed", swap(marks.Marks, "note", _note_whatever_results_say)),
    Mutant("lost: the script asks for results too", lua("recheck", " and at < results - margin")),
    Mutant("lost: a margin", swap(jobs, "MARGIN_MS", -1)),
    Mutant("lost: a ceiling", lua("recheck", " or t - at > ceiling" + DOUBLED)),
    Mutant("marks: a log made anew", swap(marks.Trail, "note", lambda self, now, end: self._marks.append((now, end)))),
    Mutant("marks: a clock set back", swap(marks.Marks, "_forget", lambda self: None)),
    Mutant("marks: commits beyond the end", swap(marks, "_safe", _safe_by_stale_commits)),
    Mutant("marks: commits before ends", swap(reconciler.Reconciler, "_look", _look_ends_first)),
    Mutant("recheck: times to come are now", lua("recheck", "if at > t then", "if false then")),
    Mutant("a lease from times to come is over", lua("prelude", " and till <= t + LEASE")),
    # the order of steps, and the rest
    Mutant("a lane of its own for each run", swap(lanes, "choose", _choose_twice)),
    Mutant("offsets after acknowledgements", swap(Producer, "settle", _settle_nothing)),
    Mutant("three open attempts are enough", lua("begin", "if others >= 3 then return 'dead' end")),
    Mutant("complete counts once", lua("complete", "HSETNX", "HSET")),
    Mutant("complete takes the tile out of out", lua("complete", "redis.call('ZREM', out, n)\n")),
    Mutant("a lease while joining", lua("start_join", "leased(t, lease[2])", "false")),
    Mutant("finish_join says yes again", lua("finish_join", "if status == 'done' then return 1 end")),
    Mutant("reopen makes lost pieces again", lua("reopen", "redis.call('HDEL', tiles, ARGV[i])")),
    Mutant("end.json", swap(Dispatcher, "ended", _ended_without_record)),
    Mutant("retry has a generation of its own", lua("retry", "gen = int(math.max(gen + 1, t))")),
    Mutant("the sweep restores what Redis lost", swap(sweep, "steps", _steps_without("restore"))),
    Mutant("only what is in the store is settled", swap(sweep, "LASTING", frozenset(("restore", "enrol", "activate")))),
    Mutant("the store is listed", swap(Orphans, "round", lambda self: None)),
    Mutant("compared is noted last", swap(Queue, "compared", _compared_at_first_sight)),
    Mutant("recheck finds complete jobs", lua("recheck", "if complete_if_all(t) then return answer('join') end")),
    Mutant("the window", lua("lanes", "while flying < width and", "while")),
)  # fmt: skip


def hunt(url: str, mutant: Mutant, most: int, seed: int) -> tuple[int, str]:
    """Play without the rule until something breaks, or for so many steps; give the steps and what broke."""
    steps = 0
    with mutant.without():
        while steps < most:
            worlds: list[World] = []
            real = World.__init__

            def keep(self: World, url: str, worlds: list[World] = worlds, real: Any = real) -> None:
                worlds.append(self)
                real(self, url)

            try:
                with mock.patch.object(World, "__init__", keep):
                    perform(url, compose(seed, LENGTH))
            except Broken as error:
                return steps + worlds[0].steps, f"{error.cause}".partition(", tiles")[0][:90]
            steps += worlds[0].steps
            seed += 1
    return steps, ""


def main() -> int:
    """Hunt all, print a table; fail if one is not found that is not known to be needless."""
    parser = argparse.ArgumentParser(prog="python -m tests.property.protocol.mutants", description=main.__doc__)
    parser.add_argument("--steps", type=int, default=50_000, help="most steps for one rule")
    parser.add_argument("--seed", type=int, default=0, help="of the first play")
    parser.add_argument("--only", default="", help="part of the names of the rules to take away")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    missed = 0
    with valkey() as url:
        for mutant in MUTANTS:
            if asked.only not in mutant.rule:
                continue
            began = time.monotonic()
            steps, what = hunt(url, mutant, asked.steps, asked.seed)
            missed += not what
            verdict = f"found after {steps:>7,} steps: {what}" if what else f"not found in {steps:,} steps"
            print(f"{mutant.rule:<45} {verdict}  ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
