"""What stands still, as seen from outside: the message of a test that failed, for a CI that keeps little else."""

from collections.abc import Iterable
from contextlib import closing

import redis

from pixo import broker
from pixo.errors import TryAgain
from pixo.state import keys
from tests.chaos.installation import Installation
from tests.chaos.parts import Part

LINES = 4
"""Last words of each part."""
WIDE = 180
NOISE = ("librdkafka", "kafka in trouble", "tile done", "WARNING")


def tell(installation: Installation, jobs: Iterable[str]) -> str:
    """Give how the parts are, what the jobs wait for and how far the groups have come."""
    lines = [line for part in installation.parts.values() for line in _of_part(part)]
    lines += _of_state(installation, jobs)
    topics = installation.topics
    lines += [_of_topic(installation, topics.tasks, topics.workers)]
    lines += [_of_topic(installation, topics.results, topics.stitchers)]
    return "\n".join(lines)


def _of_part(part: Part) -> list[str]:
    said = [line for line in part.tail(60_000).splitlines() if not any(noise in line for noise in NOISE)]
    return [f"{part.name}: pid {part.pid}, ended with {part.codes}", *(f"  {line[:WIDE]}" for line in said[-LINES:])]


def _of_state(installation: Installation, jobs: Iterable[str]) -> list[str]:
    client: redis.Redis[str] = redis.Redis.from_url(installation.settings.redis.redis, decode_responses=True)
    try:
        held = [f"{one.id} holds {one.partitions}" for one in installation.state.workers.alive()]
        with closing(client):
            return held + [_of_job(client, job) for job in jobs]
    except (TryAgain, redis.RedisError) as error:
        return [f"redis: {error}"]


def _of_job(client: "redis.Redis[str]", id: str) -> str:
    head = client.hmget(keys.job(id), "status", "gen", "base", "started", "updated")
    runs, given = client.hgetall(keys.part(id, "todo")), client.zrange(keys.part(id, "out"), 0, -1, withscores=True)
    out = [(tile, int(score) >> 40, int(score) & (1 << 40) - 1) for tile, score in given]
    again, tries = client.hgetall(keys.part(id, "again")), client.hgetall(keys.part(id, "tries"))
    return f"{id}: {head}; runs {runs}; out (tile, lane, ms) {out}; again {again}; tries {tries}"


def _of_topic(installation: Installation, topic: str, group: str) -> str:
    try:
        with closing(broker.open(installation.settings.kafka, "story")) as clients, closing(clients.admin()) as admin:
            return f"{topic}: {admin.starts(topic)} to {admin.ends(topic)}, committed {admin.committed(group, topic)}"
    except TryAgain as error:
        return f"{topic}: {error}"
