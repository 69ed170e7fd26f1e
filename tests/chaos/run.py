"""A run of jobs through an installation, and the oracle that says whether nothing was lost, stuck or wrong."""

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Self

import httpx

from pixo.errors import Refusal, TryAgain
from pixo.state.records import Job
from services.cli.api import ENDED, Api
from tests.chaos.figures import Figures
from tests.chaos.installation import Installation
from tests.chaos.ledger import Ledger, read_ledger
from tests.chaos.parts import PATIENCE
from tests.chaos.pictures import Kind, Pictures
from tests.chaos.story import tell
from tests.waiting import until

AT_ONCE = 8
"""Jobs that a client follows at once."""

IMAGE = {"Content-Type": "image/jpeg"}

Outcome = Literal["right", "wrong", "failed", "cancelled", "lost", "stuck"]
"""How a job ended: with the pixels that it must have or others, as its state says, unknown to the server, or not."""


class Run:
    """Jobs of one scenario; a context manager.

    Submits as the command line does: with an idempotency key, again until it is answered.
    """

    def __init__(
        self, installation: Installation, pictures: Pictures, keep: Callable[[Figures], None], scenario: str
    ) -> None:
        self.installation = installation
        self.api = Api(installation.url, patience=2 * PATIENCE)
        self._client = httpx.Client(base_url=installation.url, timeout=60, trust_env=False)
        self.kinds: dict[str, Kind] = {}
        self.errors: dict[str, str] = {}
        """What the user was told of jobs that did not end done."""
        self._pictures = pictures
        self._keep = keep
        self._scenario = scenario
        self._seconds: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.__exit__()
        self._client.close()

    def submit(self, kind: Kind) -> str:
        """Upload a picture; give the id of the job."""
        id = str(self.api.submit(kind.source, kind.fields)["id"])
        self.kinds[id] = kind
        return id

    def submit_all(self, kinds: Iterable[Kind]) -> list[str]:
        """Upload pictures, several at once; give the ids in the same order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.submit, kinds))

    def retry(self, id: str) -> None:
        """Do a failed job's missing tiles again, as its owner asks."""
        self._client.post(f"/api/v1/jobs/{id}/retry").raise_for_status()

    def knock(self, kind: Kind, seconds: float) -> Counter[int]:
        """Upload the picture again and again, once each time; give how often each status was the answer."""
        answers: Counter[int] = Counter()
        deadline = time.monotonic() + seconds
        body = kind.source.read_bytes()
        while time.monotonic() < deadline:
            answer = self._client.post("/api/v1/jobs", params=kind.fields, content=body, headers=IMAGE)
            answers[answer.status_code] += 1
            if answer.status_code == httpx.codes.ACCEPTED:
                self.kinds[answer.json()["id"]] = kind
            time.sleep(0.2)  # between two knocks
        return answers

    def known(self) -> list[Job]:
        """Give the jobs of this run that Redis knows."""
        return [job for job in self.installation.state.jobs.read_many(list(self.kinds)) if job]

    def begun(self, id: str, tiles: int = 2) -> None:
        """Return when so many tiles of the job are done."""

        def so() -> bool:
            job = self.installation.state.jobs.read(id)
            return job is not None and job.done >= tiles

        until(so, f"{tiles} tiles of {id} are done")

    def outcome(self, id: str, patience: float = PATIENCE) -> Outcome:
        """Wait for a job's end, for so many seconds, and look at every pixel of its result."""
        deadline = time.monotonic() + patience
        try:
            job = self.api.job(id)
            while job["status"] not in ENDED:
                if time.monotonic() > deadline:
                    self.errors[id] = f"{job['status']}, {job['tiles']}"
                    return "stuck"
                job = self.api.job(id, wait=2)
        except Refusal as refusal:
            self.errors[id] = str(refusal)
            return "lost"
        except TryAgain as error:
            self.errors[id] = str(error)
            return "stuck"
        if job["status"] != "done":
            self.errors[id] = job["error"] or ""
            return "failed" if job["status"] == "failed" else "cancelled"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "result")
            self.api.download(job, path)
            right = self._pictures.right(self.kinds[id], path.read_bytes())
        known = self.installation.state.jobs.read(id)
        if known and known.finished:
            self._seconds.append(known.finished - known.created)
        whole = job["tiles"]["done"] == job["tiles"]["total"]
        return "right" if right and whole else "wrong"

    def outcomes(self, patience: float = PATIENCE) -> dict[str, Outcome]:
        """Wait for the end of all jobs of this run."""
        ids = list(self.kinds)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(ids, pool.map(lambda id: self.outcome(id, patience), ids), strict=True))

    def finish(self, *, note: str = "") -> Ledger:
        """Hold the oracle to all jobs: done, right, no tile missing, no dead letter, nothing left in any index."""
        outcomes = self.outcomes()
        self.hold(outcomes)
        return self.settle(note=note)

    def hold(self, outcomes: Mapping[str, Outcome]) -> None:
        """Fail, with what can be seen of those that stand still, unless all are right."""
        stuck = [id for id, outcome in outcomes.items() if outcome == "stuck"]
        told = tell(self.installation, stuck) if stuck else ""
        assert set(outcomes.values()) == {"right"}, f"{outcomes}, {self.errors}\n{told}"

    def ledger(self) -> Ledger:
        """Give what Kafka has kept of these jobs."""
        return read_ledger(self.installation, self.kinds.keys())

    def settle(self, *, dead: int = 0, note: str = "") -> Ledger:
        """Return when no job is in any index; count what Kafka has kept; ``dead`` is the exact number of dead tiles."""
        queue = self.installation.state.queue
        until(lambda: not any(queue.enrolled(id) for id in self.kinds), "all places are free")
        ledger = self.ledger()
        assert len(ledger.dead) == dead, f"dead letters: {ledger.dead}"
        self.keep(ledger, note)
        return ledger

    def keep(self, ledger: Ledger, note: str) -> None:
        """Keep the figures for the table."""
        tiles = len({report.tile for report in ledger.reports})
        p99 = percentile(self._seconds, 0.99)
        self._keep(
            Figures(self._scenario, len(self.kinds), tiles, ledger.duplicates, len(ledger.dead), ledger.gap, p99, note)
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of the values does not pass."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else 0.0
