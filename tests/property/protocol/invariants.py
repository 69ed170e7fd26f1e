"""Section 7 of the protocol: what holds after every step, whatever happened."""

from hashlib import sha256
from typing import Any

import msgspec

from pixo.state.records import End
from pixo.store import names
from tests.property.protocol.world import World

LIVE = {"queued", "processing", "stitching"}
TERMINAL = {"done", "failed", "cancelled"}
GONE = {"expired", "deleted"}
KNOWN = LIVE | TERMINAL | GONE
LANE = 1 << 40


class Look:
    """All of one job's keys."""

    def __init__(self, replies: list[Any]) -> None:
        fields, todo, out, again, self.tiles, tries = replies
        self.hash = {name.decode(): value.decode() for name, value in fields.items()}
        self.status, self.gen = self.hash.get("status"), int(self.hash.get("gen", 0))
        self.runs = {int(lane): tuple(map(int, run.decode().split("-"))) for lane, run in todo.items()}
        self.out = {int(n): int(score) // LANE for n, score in out}
        self.again = {int(n) for n in again}
        self.parts = bool(todo or out or again or self.tiles or tries)

    @property
    def recorded(self) -> set[int]:
        """The tiles that are finished or dead."""
        return {int(n) for n in self.tiles}


def look(world: World, ids: list[str]) -> dict[str, Look]:
    """Read jobs as they are."""
    pipeline = world.server.client.pipeline(transaction=False)
    for id in ids:
        base = f"pixo:job:{{{id}}}"
        pipeline.hgetall(base)
        pipeline.hgetall(f"{base}:todo")
        pipeline.zrange(f"{base}:out", 0, -1, withscores=True)
        pipeline.hkeys(f"{base}:again")
        pipeline.hgetall(f"{base}:tiles")
        pipeline.hlen(f"{base}:tries")
    replies = pipeline.execute()
    return {id: Look(replies[6 * i : 6 * i + 6]) for i, id in enumerate(ids)}


def every_tile_has_a_place(seen: Look) -> None:
    """1: while processing, out, todo and tiles are all tiles; no tile is out and finished; windows hold."""
    assert not seen.out.keys() & seen.recorded, "a tile is out and finished"
    if seen.status != "processing":
        return
    waiting = {n for a, b in seen.runs.values() for n in range(a, b)}
    assert waiting | seen.out.keys() | seen.recorded == set(range(int(seen.hash["total"]))), "a tile is nowhere"
    if seen.hash["reopens"] != "0":
        return
    for lane in set(seen.out.values()):
        members = [n for n, p in seen.out.items() if p == lane]
        republished = sum(n in seen.again for n in members)
        assert len(members) <= int(seen.hash["window"]) + republished, "more is out than the window lets"


def only_create_makes_jobs(seen: Look) -> None:
    """2: there is no key of a job without its status."""
    assert (seen.status in KNOWN) if seen.hash else not seen.parts, f"keys without a job: {seen.hash}"
    if seen.status in GONE:
        assert not seen.parts, "a job that is gone has tiles"


def the_end_stays(before: Look | None, now: Look) -> None:
    """2: a terminal state is left only by a client's retry, delete or expiry; the generation only grows."""
    if before is None or before.status is None or now.status is None:
        return
    assert now.gen >= before.gen, "the generation fell"
    if before.status in TERMINAL | GONE and now.status != before.status:
        retried = before.status in {"failed", "cancelled"} and now.gen > before.gen
        assert retried or now.status in GONE, f"{before.status} became {now.status}"
    if before.status == "deleted":
        assert now.status == "deleted", f"deleted became {now.status}"


def done_is_whole(world: World, id: str, seen: Look) -> None:
    """3: the final of a done job exists, is made of exactly the recorded pieces, and never changes."""
    if seen.status != "done":
        return
    final = world.store.see(seen.hash["final"])
    if final is None:
        going = id in world.ledger.deleting or expired(world, seen)
        assert going, f"the final {seen.hash['final']} is not in the store"
        return
    assert sha256(final).hexdigest() == seen.hash["sha"], "the final is not what was recorded"
    pieces = [line.split() for line in final.decode().splitlines()]
    assert [int(n) for _, n, _ in pieces] == list(range(int(seen.hash["total"]))), "the final lacks tiles"
    assert {job for job, _, _ in pieces} == {id}
    assert world.ledger.done.get(id) in (None, seen.hash["final"]), "another final counts than the first"


def joined_as_recorded(world: World, id: str, seen: Look) -> None:
    """3: what was joined is what is recorded. Only while the pieces are kept."""
    if seen.status != "done" or not seen.tiles:
        return
    final = world.store.see(seen.hash["final"])
    for line in final.decode().splitlines() if final else ():
        _, n, made = line.split()
        token = seen.tiles[n.encode()].decode().split("|")[1]
        piece = world.store.see(names.tile(id, int(n), token))
        whole = piece is not None and piece.endswith(b"\n")  # it may have been damaged since
        assert not whole or piece.split()[2].decode() == made, "the piece joined is not the one recorded"


def expired(world: World, seen: Look) -> bool:
    """Tell whether a job's images may go."""
    return world.wall >= int(seen.hash["finished"]) + int(seen.hash["keep"]) - abs(world.skew)


def one_final_counts(world: World) -> None:
    """4: one finish_join a generation succeeds."""
    assert all(len(tokens) == 1 for tokens in world.ledger.finished.values()), "two finals of a generation counted"


def failure_has_a_reason(world: World, id: str, seen: Look) -> None:
    """6: a job fails for three open attempts on a tile, a bad tile, its deadline, lost pieces, or joiners that died."""
    if seen.status != "failed" or world.ledger.lossy:
        return
    if "dead" in seen.hash:
        tile = int(seen.hash["dead"])
        poisoned = world.poison.get((id, tile)) in ("error", "bad")
        assert poisoned or len(world.ledger.open[id, seen.gen, tile]) >= 3, "a healthy tile was given up"
    elif seen.hash["error"].endswith("its deadline"):
        # The model's clocks may have been set since.
        assert world.skew or world.server_ms() > int(seen.hash["deadline"]), "failed before its deadline"
    elif id not in world.ledger.deleting:
        reasons = (int(seen.hash["reopens"]) > 3, int(seen.hash.get("join_deaths", 0)) > 4)
        assert any(reasons), f"failed for {seen.hash['error']}"


def kafka_stays_short(world: World, seen: dict[str, Look]) -> None:
    """7: no job has more than twice its windows in Kafka, whoever has stopped."""
    tiles: dict[str, set[int]] = {}
    for task in world.waiting():
        if task.job in seen and task.gen == seen[task.job].gen:
            tiles.setdefault(task.job, set()).add(task.tile)
    for id, some in tiles.items():
        one = seen[id]
        if one.hash.get("reopens") == "0" and one.runs:
            assert len(some) <= 2 * int(one.hash["window"]) * len(one.runs), "too many tasks in Kafka"


def what_waits_is_left_alone(world: World) -> None:
    """7: a task that waits is published again at most once for each fault that can make it seem lost."""
    assert all(count <= world.excused for count in world.again.values()), f"published again and again: {world.again}"


def promises_hold(world: World, id: str, seen: Look) -> None:
    """8: cancel and delete, once answered, hold, also when Redis lost its last second."""
    if id in world.ledger.deleted:
        assert seen.status in (None, "deleted"), f"a deleted job is {seen.status}"
        assert world.store.see(names.job_record(id)) is None, "a deleted job has a record"
    elif id in world.ledger.cancelled:
        r = world.ledger.cancelled[id]
        if seen.status is None:
            end = world.store.see(names.end(id))
            assert end, "nothing says that it was cancelled"
            assert msgspec.json.decode(end, type=End).r == r, "what says that it was cancelled is of another life"
        else:
            assert seen.status in {"cancelled"} | GONE, f"a cancelled job is {seen.status}"


def accepted_stays(world: World, id: str, seen: Look) -> None:
    """8: a job that its client was told of is deleted by nobody but a client."""
    if id in world.ledger.accepted - world.ledger.deleting:
        assert seen.status != "deleted", "a job was deleted that nobody wanted to be"
        if seen.status is None and id not in world.ledger.expired:
            assert world.store.see(names.job_record(id)) is not None, "a job vanished"


def keys_stand_for_one_job(world: World) -> None:
    """8: one Idempotency-Key is one job, unless Redis lost the key."""
    assert world.ledger.lossy or all(len(ids) == 1 for ids in world.ledger.keys.values()), (
        f"two jobs of one key: {world.ledger.keys}"
    )


def check(world: World, before: dict[str, Look]) -> None:
    """Check what was touched since the last time; keep what was seen."""
    if not world.touched:
        return
    ids = sorted(world.touched)
    world.touched.clear()
    seen = look(world, ids)
    world.ledger.expired |= {id for id, one in seen.items() if one.status == "expired"}
    for id, one in seen.items():
        every_tile_has_a_place(one)
        only_create_makes_jobs(one)
        the_end_stays(before.get(id), one)
        done_is_whole(world, id, one)
        joined_as_recorded(world, id, one)
        failure_has_a_reason(world, id, one)
        promises_hold(world, id, one)
        accepted_stays(world, id, one)
    before.update(seen)
    one_final_counts(world)
    kafka_stays_short(world, seen)
    what_waits_is_left_alone(world)
    keys_stand_for_one_job(world)


def unfinished(world: World) -> dict[str, str | None]:
    """5: give the jobs that are known, or were promised, and have not ended, and whether the indexes hold any."""
    promised = world.ledger.accepted - world.ledger.deleting - world.ledger.expired
    listed = promised | set(world.plain.queue.page(1000).ids)
    seen = look(world, sorted(listed))
    found = {id: one.status for id, one in seen.items() if one.status not in KNOWN - LIVE}
    queue = world.plain.queue
    return found | {f"index of {id}": "active" for id in queue.active()} | ({"waiting": ""} if queue.waiting() else {})


def nothing_is_left(world: World) -> None:
    """5: no bytes lie under deleted ids. Holds when an hour and two sweeps have passed."""
    leftovers = [key for key in world.store.kept if key.split("/")[1] in world.ledger.deleted]
    assert not leftovers, f"left of deleted jobs: {leftovers}"
