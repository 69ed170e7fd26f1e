"""The actors of the protocol in miniature. Every ``yield`` stands between two steps that the world can see."""

import zlib
from collections.abc import Generator

from msgspec.structs import replace

from pixo.marks import Marks
from pixo.messages import TileDead, TileDone, TileTask
from pixo.state.records import Handout, Spec
from tests.property.protocol.world import LANES, Died, Stopped, World

Steps = Generator[bool | None]
IDLE = True
"""What an actor yields that has nothing to do for now."""
LIMIT, RESERVE = 3, 1
HOUR_MS = 3_600_000


def spot(id: str) -> int:
    """Give the key of a job's results."""
    return zlib.crc32(id.encode())


def runs(world: World, spec: Spec) -> list[tuple[int, int, int]]:
    """Cut a job into equal lanes."""
    tiles = spec.plan.tiles
    workers = sum(kind == "worker" for kind in world.processes.values())
    count = min(max(1, workers), LANES, max(1, tiles // 2))
    first = spot(spec.id) % LANES
    cuts = [tiles * i // count for i in range(count + 1)]
    return [((first + i) % LANES, cuts[i], cuts[i + 1]) for i in range(count)]


# Shared by web and results


def publish(world: World, id: str, handout: Handout) -> Steps:
    """Send what was handed out, one record a step."""
    for task in handout.tasks:
        assert handout.plan is not None
        world.tasks.send(
            task.lane,
            TileTask(job=id, gen=task.gen, tile=task.tile, lane=task.lane, until=task.until, plan=handout.plan),
        )
        yield


def admit(world: World) -> Steps:
    """Start waiting jobs while there are slots."""
    queue = world.state.queue
    while True:
        for id, small in queue.candidates():
            if queue.claim(id, small, LIMIT, RESERVE):
                break
        else:
            return
        yield
        queue.leave(id)
        yield
        yield from begin_job(world, id)


def begin_job(world: World, id: str) -> Steps:
    """Start a job and publish its first tasks."""
    spec = world.get(f"jobs/{id}/job")
    handout = world.state.jobs.start(id, runs(world, spec)) if spec is not None else Handout(status="gone")
    yield
    if handout.status in ("gone", "ended"):
        world.state.queue.release(id)
        yield
    if handout.status == "join":
        world.spawn("results", joiner(world, id, "results"))
    yield from publish(world, id, handout)


def enrol(world: World, spec: Spec) -> Steps:
    """Let a job wait for its turn."""
    world.state.queue.enrol(spec.id, int(spec.created * 1000), spec.small, spec.weight)
    yield


def ended(world: World, id: str) -> Steps:
    """Keep how a job ended, and give its place to the next."""
    job = world.state.jobs.read(id)
    yield
    if job is not None and job.live:
        return
    if job is not None and job.end is not None:
        world.put(f"jobs/{id}/end", job.end)
        yield
    world.state.queue.release(id)
    yield
    yield from admit(world)


# Web


def post(world: World, spec: Spec) -> Steps:
    """Take an upload."""
    world.put(f"jobs/{spec.id}/source", "pixels")
    yield
    world.put(f"jobs/{spec.id}/job", spec)
    yield
    world.state.queue.add(spec.id, int(spec.created * 1000))
    yield
    world.state.jobs.create(spec)
    yield
    yield from enrol(world, spec)
    world.ledger.accepted.add(spec.id)
    yield
    yield from admit(world)


def cancel(world: World, id: str) -> Steps:
    """Cancel for a client."""
    status = world.state.jobs.cancel(id)
    yield
    if status != "cancelled":
        return
    yield from ended_before_answer(world, id)
    yield from admit(world)


def ended_before_answer(world: World, id: str) -> Steps:
    """Write end.json, then answer the client that it is cancelled."""
    job = world.state.jobs.read(id)
    yield
    if job is not None and job.end is not None:
        world.put(f"jobs/{id}/end", job.end)
        yield
        if job.status == "cancelled" and id not in world.ledger.retrying | world.ledger.deleting:
            world.ledger.cancelled[id] = job.r
    world.state.queue.release(id)
    yield


def retry(world: World, id: str) -> Steps:
    """Retry for a client."""
    job = world.state.jobs.read(id)
    spec = world.get(f"jobs/{id}/job")
    if job is None or spec is None or job.status not in ("failed", "cancelled"):
        return
    world.ledger.retrying.add(id)
    world.ledger.cancelled.pop(id, None)
    yield
    if world.get(f"jobs/{id}/job") is None:
        return
    world.put(f"jobs/{id}/job", replace(spec, r=job.r + 1))
    yield
    if not world.state.jobs.retry(id, job.r + 1):
        return
    yield
    yield from enrol(world, spec)
    yield from admit(world)


def delete(world: World, id: str) -> Steps:
    """Delete for a client."""
    if not world.state.jobs.delete(id):
        return
    world.ledger.deleting.add(id)
    world.ledger.cancelled.pop(id, None)
    yield
    yield from finish_deleting(world, id)
    world.ledger.deleted.add(id)


def finish_deleting(world: World, id: str) -> Steps:
    """Remove a deleted job's bytes, job.json first, and its place in the indexes."""
    world.drop(f"jobs/{id}/job")
    yield
    world.drop(f"jobs/{id}/")
    yield
    world.state.queue.remove(id)
    yield
    world.state.queue.release(id)
    yield


# Worker


def worker(world: World, me: str) -> Steps:
    """Consume tasks."""
    jobs = world.state.jobs
    while True:
        record = world.tasks.next(me)
        if record is None:
            yield IDLE
            continue
        task = record.value
        token = world.name("t")
        verdict = jobs.begin(task.job, task.gen, task.tile, token)
        attempt = (task.job, task.gen, task.tile)
        if verdict == "go":
            world.ledger.open[attempt].add(token)
            try:
                yield
            except Stopped:  # before the piece is made
                jobs.give_back(task.job, task.gen, task.tile, token)
                world.ledger.open[attempt].discard(token)
                return
            if (task.job, task.tile) in world.poison:
                raise Died
            world.put(f"jobs/{task.job}/tiles/{task.tile}-{token}", (task.job, task.tile, token))
            yield
            done = TileDone(
                job=task.job, gen=task.gen, tile=task.tile, token=token, lane=task.lane, size=1, crc=2, worker=me, ms=3
            )
            world.results.send(spot(task.job), done)
            yield
            jobs.give_back(task.job, task.gen, task.tile, token)
            world.ledger.open[attempt].discard(token)
            yield
        if verdict == "dead":
            yield
            dead = TileDead(job=task.job, gen=task.gen, tile=task.tile, reason=f"tile {task.tile}", worker=me)
            world.results.send(spot(task.job), dead)
            yield
        world.tasks.store(record)
        yield


# Results


def results(world: World, me: str) -> Steps:
    """Consume what workers report."""
    jobs = world.state.jobs
    while True:
        record = world.results.next(me)
        if record is None:
            yield IDLE
            continue
        match record.value:
            case TileDone() as done:
                completion = jobs.complete(done)
                yield
                yield from publish(world, done.job, completion)
                if completion.outcome == "join":
                    world.spawn(me, joiner(world, done.job, me))
            case TileDead() as dead:
                failed = jobs.fail_tile(dead.job, dead.gen, dead.tile, dead.reason)
                yield
                if failed:
                    yield from ended(world, dead.job)
        world.results.store(record)
        yield


def joiner(world: World, id: str, me: str) -> Steps:
    """Put the pieces together."""
    jobs = world.state.jobs
    token = world.name("f")
    joining = jobs.start_join(id, token)
    yield
    if joining is None:
        return
    names = [f"jobs/{id}/tiles/{one.tile}-{one.token}" for one in joining.records]
    pieces = [world.get(name) for name in names]
    missing = [one.tile for one, piece in zip(joining.records, pieces, strict=True) if piece is None]
    yield
    if missing:
        handout = jobs.reopen(id, joining.gen, token, missing)
        yield
        yield from publish(world, id, handout)
        if handout.status == "failed":
            yield from ended(world, id)
        return
    if not jobs.renew_join(id, joining.gen, token):
        return
    yield
    final = f"jobs/{id}/final-{token}"
    world.put(final, tuple(pieces))
    yield
    counts = jobs.finish_join(id, joining.gen, token, final, str(hash(tuple(pieces))), len(pieces))
    if counts:
        world.ledger.finished[id, joining.gen].add(token)
    yield
    if not counts:
        world.drop(final)
        return
    job = jobs.read(id)
    if job is not None and job.status == "done" and job.final == final:
        world.ledger.done[id] = final
    yield
    yield from ended(world, id)


# Reconciler


def reconciler(world: World, me: str) -> Steps:
    """Look after all active jobs every five seconds."""
    marks = Marks()
    jobs, queue = world.state.jobs, world.state.queue
    due = 0
    while True:
        if world.time < due:
            yield IDLE
            continue
        due = world.time + 5_000
        marks.note(world.now(), world.tasks.look(), world.results.look())
        yield
        most = (0, "")
        for id in queue.active():
            handout = jobs.recheck(id, None, marks.safe, marks.results_safe)
            yield
            match handout.status:
                case "gone" | "ended" | "failed":
                    yield from ended(world, id)
                case "queued":
                    yield from begin_job(world, id)
                case "join":
                    world.spawn(me, joiner(world, id, me))
                case "ok":
                    most = max(most, (handout.left, id))
            yield from publish(world, id, handout)
        idle = [p for p in range(LANES) if world.tasks.committed[p] == len(world.tasks.logs[p])]
        if most[0] and idle:
            handout = jobs.take(most[1], idle[0])
            yield
            yield from publish(world, most[1], handout)
        yield from admit(world)


def sweep(world: World, *, listing: bool) -> Steps:
    """Repair the indexes by what the hashes and the store say."""
    jobs, queue = world.state.jobs, world.state.queue
    if listing:
        yield from list_store(world)
    for id in queue.page(1000).ids:
        job = jobs.read(id)
        yield
        if job is None:
            spec = world.get(f"jobs/{id}/job")
            end = world.get(f"jobs/{id}/end")
            yield
            if spec is None:
                queue.remove(id)
            else:
                jobs.create(spec, end if end is not None and end.r == spec.r else None)
            yield
        elif job.status == "deleted":
            yield from finish_deleting(world, id)
        elif job.status == "queued" and not queue.enrolled(id):
            spec = world.get(f"jobs/{id}/job")
            if spec is not None:
                yield from enrol(world, spec)
        elif job.live and job.status != "queued" and id not in queue.active():
            queue.activate(id, job.small)
            yield
        elif job.end is not None and world.get(f"jobs/{id}/end") != job.end:
            world.put(f"jobs/{id}/end", job.end)
            yield
    yield from admit(world)


def list_store(world: World) -> Steps:
    """Find jobs and leftovers that the indexes do not know."""
    queue = world.state.queue
    now = world.now()
    for id in sorted({key.split("/")[1] for key in world.store}):
        spec = world.get(f"jobs/{id}/job")
        if spec is not None and not queue.listed(id):
            queue.add(id, int(spec.created * 1000))
        job = world.state.jobs.read(id)
        newest = max((when for key, (_, when) in world.store.items() if key.startswith(f"jobs/{id}/")), default=now)
        if spec is None and now - newest > HOUR_MS and (job is None or not job.live):
            world.drop(f"jobs/{id}/")
        yield
