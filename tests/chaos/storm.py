"""Many jobs while something is killed every few seconds: nothing lost, nothing stuck, no wrong byte."""

import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pixo.errors import PixoError
from pixo.ticker import Ticker
from tests.chaos.parts import PATIENCE, Keeper, Part
from tests.chaos.pictures import Pictures
from tests.chaos.run import AT_ONCE, Outcome, Run
from tests.chaos.timeline import Timeline
from tests.waiting import until

STUCK = 3 * PATIENCE
"""Seconds after which a job that has not ended counts as stuck."""


class Killer(Ticker):
    """Kills one part after the other, at random, with SIGKILL; a context manager. The seed says which.

    A role is killed whatever it is at, a server only when it is up: it would never be otherwise. After ``most`` kills
    there are no more.
    """

    def __init__(
        self, roles: Sequence[Part], servers: Sequence[Part], seed: int, period: float, most: float = math.inf
    ) -> None:
        super().__init__("killer", period, self.turn)
        self.kills: Counter[str] = Counter()
        self._most = most
        self._parts = [*roles, *servers]
        self._servers = set(servers)
        self._random = random.Random(seed)

    def turn(self) -> None:
        """Kill one, unless it is down."""
        if self.kills.total() >= self._most:
            return
        part = self._random.choice(self._parts)
        if part.alive and (part not in self._servers or part.ready()):
            part.kill()
            self.kills[part.name] += 1


def storm(
    run: Run,
    kafka: Part,
    pictures: Pictures,
    *,
    jobs: int,
    seed: int,
    period: float,
    wanted: int = 0,
    most: float = math.inf,
    clients: int = AT_ONCE,
) -> tuple[Counter[Outcome], Counter[str]]:
    """Take so many jobs through, and more until the wanted kills were done; give outcomes and kills.

    Workers, results, web, monitor, the broker and Valkey are killed, one every ``period`` seconds and ``most`` in all,
    and started again. The rest of the jobs goes through in peace.
    """
    pixo = run.installation
    servers = [pixo.valkey, kafka]
    parts = [*pixo.roles, *servers]
    kinds = random.Random(seed).choices(pictures.mixed(), k=jobs)
    ended: list[Outcome] = []
    began = time.monotonic()

    def take(number: int) -> None:
        try:
            job = run.submit(kinds[number % jobs])
        except PixoError as error:
            run.errors[f"upload {number}"] = str(error)
            ended.append("lost")
        else:
            ended.append(run.outcome(job, STUCK))

    with Keeper(parts), ThreadPoolExecutor(clients) as pool:
        with Killer(pixo.roles, servers, seed, period, most) as killer, Timeline(pixo, kafka, ended.__len__):
            try:
                list(pool.map(take, range(jobs)))
                while killer.kills.total() < wanted:
                    list(pool.map(take, range(AT_ONCE)))
            except BaseException:  # Ctrl-C too: else leaving the pool would wait for all jobs
                pool.shutdown(cancel_futures=True)
                raise
        seconds = time.monotonic() - began
        until(lambda: all(part.ready() for part in parts), "all parts are up again")
        outcomes = Counter(ended)
        run.settle(note=f"seed {seed}; {killer.kills.total()} kills in {seconds:.0f} s; {_told(outcomes)}")
    return outcomes, killer.kills


def _told(outcomes: Counter[Outcome]) -> str:
    return ", ".join(f"{outcomes[one]} {one}" for one in ("right", "failed", "lost", "stuck", "wrong"))
