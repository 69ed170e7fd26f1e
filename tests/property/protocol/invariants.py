"""Section 7 of the protocol: what holds after every step, whatever happened."""

from typing import Any

from tests.property.protocol.actors import HOUR_MS
from tests.property.protocol.world import LANES, World

LIVE = {"queued", "processing", "stitching"}
TERMINAL = {"done", "failed", "cancelled"}
KNOWN = LIVE | TERMINAL | {"expired", "deleted"}
LANE = 1 << 40


class Look:
    """All of one job's keys."""

    def __init__(self, replies: list[Any]) -> None:
        fields, todo, self.out, self.again, self.tiles, tries, events = replies
        self.hash = {name.decode(): value.decode() for name, value in fields.items()}
        self.status, self.gen = self.hash.get("status"), int(self.hash.get("gen", 0))
        self.todo = {tuple(map(int, run.decode().split("-"))) for run in todo.values()}
        self.parts = bool(todo or self.out or self.again or self.tiles or tries)
        self.events = events

    @property
    def given(self) -> set[int]:
        """The tiles that are out."""
        return {int(n) for n, _ in self.out}

    @property
    def recorded(self) -> set[int]:
        """The tiles that are finished or dead."""
        return {int(n) for n in self.tiles}


def look(world: World, ids: list[str]) -> dict[str, Look]:
    """Read jobs as they are."""
    pipeline = world.client.pipeline(transaction=True)
    for id in ids:
        base = f"pixo:job:{{{id}}}"
        pipeline.hgetall(base)
        pipeline.hgetall(f"{base}:todo")
        pipeline.zrange(f"{base}:out", 0, -1, withscores=True)
        pipeline.hgetall(f"{base}:again")
        pipeline.hgetall(f"{base}:tiles")
        pipeline.hgetall(f"{base}:tries")
        pipeline.xlen(f"{base}:events")
    replies = pipeline.execute()
    return {id: Look(replies[7 * i : 7 * i + 7]) for i, id in enumerate(ids)}


def every_tile_has_a_place(seen: Look) -> None:
    """1: while processing, out, todo and tiles are all tiles; no tile is out and finished; windows hold."""
    assert not seen.given & seen.recorded
    if seen.status != "processing":
        return
    waiting = {n for a, b in seen.todo for n in range(a, b)}
    assert waiting | seen.given | seen.recorded == set(range(int(seen.hash["total"])))
    if seen.hash["reopens"] != "0":
        return
    for lane in range(LANES):
        members = [n for n, score in seen.out if int(score) // LANE == lane]
        again = sum(n in seen.again for n in members)
        assert len(members) <= int(seen.hash["window"]) + again


def only_create_makes_jobs(seen: Look) -> None:
    """2: there is no key of a job without its status."""
    assert (seen.status in KNOWN) if seen.hash else not seen.parts
    if seen.status == "deleted":
        assert not seen.parts


def the_end_stays(before: Look | None, now: Look) -> None:
    """2: a terminal state is left only by a client's retry, delete or expiry; the generation only grows."""
    if before is None or before.status is None or now.status is None:
        return
    assert now.gen >= before.gen
    if before.status in TERMINAL | {"expired", "deleted"} and now.status != before.status:
        retried = before.status in {"failed", "cancelled"} and now.gen > before.gen
        assert retried or now.status in {"expired", "deleted"}, (before.hash, now.hash)


def done_is_whole(world: World, id: str, seen: Look) -> None:
    """3: the final of a done job exists, is made of exactly the recorded pieces, and never changes."""
    if seen.status != "done":
        return
    pieces = world.get(seen.hash["final"])
    if pieces is None:
        assert world.get(f"jobs/{id}/source") is None  # it is being deleted
        return
    assert str(hash(pieces)) == seen.hash["sha"]
    assert [n for _, n, _ in pieces] == list(range(int(seen.hash["total"])))
    if seen.tiles:  # after Redis was lost only the end is known
        recorded = {int(n): raw.decode().split("|")[1] for n, raw in seen.tiles.items()}
        assert {n: token for _, n, token in pieces} == recorded
    promised = world.ledger.done.get(id)
    assert promised in (None, seen.hash["final"])


def one_final_counts(world: World) -> None:
    """4: one finish_join a generation succeeds."""
    assert all(len(tokens) == 1 for tokens in world.ledger.finished.values())


def failure_has_a_reason(world: World, id: str, seen: Look, now: int) -> None:
    """6: a job fails for three open attempts on the tile that it names, its deadline, or lost pieces."""
    if seen.status != "failed" or world.ledger.lossy:
        return
    if "dead" in seen.hash:
        assert len(world.ledger.open[id, seen.gen, int(seen.hash["dead"])]) >= 3
    elif seen.hash["error"] == "deadline":
        assert now > int(seen.hash["deadline"])
    else:
        assert int(seen.hash["reopens"]) > 3


def kafka_stays_short(world: World, seen: dict[str, Look]) -> None:
    """7: no job has more than twice its windows in Kafka, whoever has stopped."""
    tiles: dict[str, set[int]] = {}
    for task in world.tasks.unconsumed():
        if task.gen == seen[task.job].gen:
            tiles.setdefault(task.job, set()).add(task.tile)
    for id, some in tiles.items():
        if seen[id].hash.get("reopens") == "0":
            assert len(some) <= 2 * int(seen[id].hash["window"]) * LANES


def promises_hold(world: World, id: str, seen: Look) -> None:
    """8: cancel and delete, once answered, hold, also when Redis lost its last second."""
    if id in world.ledger.deleted:
        assert seen.status in (None, "deleted")
        assert world.get(f"jobs/{id}/job") is None
    elif id in world.ledger.cancelled:
        r = world.ledger.cancelled[id]
        if seen.status is None:
            assert world.get(f"jobs/{id}/end").r == r
        else:
            assert seen.status in {"cancelled", "expired", "deleted"}


def check(world: World, ids: list[str], before: dict[str, Look]) -> dict[str, Look]:
    """Check all of them; give what was seen."""
    seen = look(world, ids)
    now = int(world.client.get("pixo:clock"))
    for id, one in seen.items():
        every_tile_has_a_place(one)
        only_create_makes_jobs(one)
        the_end_stays(before.get(id), one)
        done_is_whole(world, id, one)
        failure_has_a_reason(world, id, one, now)
        promises_hold(world, id, one)
    one_final_counts(world)
    kafka_stays_short(world, seen)
    return seen


def all_is_over(world: World, ids: list[str]) -> bool:
    """5: every job that is known has ended, nothing is active or waits."""
    listed = set(world.state.queue.page(1000).ids) | (world.ledger.accepted - world.ledger.deleting)
    seen = look(world, sorted(listed & set(ids)))
    quiet = not world.state.queue.active() and not world.state.queue.waiting()
    return quiet and all(one.status in KNOWN - LIVE for one in seen.values())


def nothing_is_left(world: World) -> None:
    """5: no bytes lie under deleted ids. Holds when an hour and two sweeps have passed."""
    assert HOUR_MS
    leftovers = [key for key in world.store if key.split("/")[1] in world.ledger.deleted]
    assert not leftovers
