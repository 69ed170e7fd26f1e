"""Jobs for the tests of the state, and the time that the scripts see."""

from pixo.imaging.plan import Output, Plan
from pixo.messages import TileDone
from pixo.state.records import Spec, Task

TOKEN, OTHER = "t", "u"
BEGAN = 1_700_000_000_000
CLOCK = "local function now() return tonumber(redis.call('GET', 'clock')) end"


def spec(id="a", tiles=10, *, skip=0.0, window=4, deadline_s=3600.0, r=0) -> Spec:
    """Give what a job of so many tiles is made from."""
    plan = Plan(
        width=100, height=16 * tiles, source="jpeg", engine="stream", mode="RGB", depth=8, chain="grayscale",
        out_mode="L", output=Output(format="jpeg"), piece="jpeg", rows=16, skip=skip, seconds=1.0,
    )  # fmt: skip
    return Spec(
        id=id, r=r, created=1_700_000_000.0, filename="Büro 1.jpg", bytes=3, filters="grayscale", small=True,
        weight=1, deadline_s=deadline_s, window=window, plan=plan,
    )  # fmt: skip


def done(task: Task, *, id="a", token=TOKEN, worker="w") -> TileDone:
    """Give the report of a finished task."""
    return TileDone(
        job=id, gen=task.gen, tile=task.tile, token=token, lane=task.lane, size=7, crc=9, worker=worker, ms=5
    )


def finish(jobs, tasks, id="a") -> str:
    """Do all tasks and those that follow; give the last outcome."""
    tasks, outcome = list(tasks), "ok"
    while tasks:
        completion = jobs.complete(done(tasks.pop(0), id=id))
        outcome = completion.status
        tasks += completion.tasks
    return outcome


def to_done(jobs, tiles=2):
    """Take a job to its end; give its generation."""
    gen = to_stitching(jobs, tiles)
    assert jobs.start_join("a", "f").gen == gen
    assert jobs.finish_join("a", gen, "f", "final-f", "sha", 99)
    return gen


def to_stitching(jobs, tiles=2):
    """Take a job to where it may be joined; give its generation."""
    jobs.create(spec(tiles=tiles))
    handout = jobs.start("a", [(0, 0, tiles)])
    assert finish(jobs, handout.tasks) == "join"
    return handout.gen


class Time:
    """The time that the scripts see."""

    def __init__(self, client) -> None:
        self._client = client
        self.at(0)

    def at(self, seconds: float) -> int:
        """Let it be so many seconds after the beginning; give the time in ms."""
        now = BEGAN + int(seconds * 1000)
        self._client.set("clock", now)
        return now
