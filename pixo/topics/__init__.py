"""The names of topics and consumer groups, and the topics' partitions and settings: the one place for both."""

from collections.abc import Mapping

from msgspec import Struct

from pixo.settings import Kafka

_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE


class Topic(Struct, frozen=True, kw_only=True):
    """A topic as it should be: at least so many partitions."""

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = {}


class Topics(Struct, frozen=True, kw_only=True):
    """The names that the roles meet under, prefix and all."""

    tasks: str
    """``TileTask``s; the partition is the lane, chosen on every send."""
    results: str
    """``TileDone`` and ``TileDead``; the key is the job."""
    heartbeats: str
    dead_letters: str
    workers: str
    """The consumer group that takes tasks."""
    stitchers: str
    """The consumer group that takes results."""


def names(settings: Kafka) -> Topics:
    """Return the names of this installation's topics and groups."""
    prefix = settings.topic_prefix
    return Topics(
        tasks=f"{prefix}tasks",
        results=f"{prefix}results",
        heartbeats=f"{prefix}heartbeats",
        dead_letters=f"{prefix}dead-letters",
        workers=f"{prefix}image-processor-group",
        stitchers=f"{prefix}result-stitcher",
    )


def specs(settings: Kafka) -> tuple[Topic, ...]:
    """Return all topics as the settings say, ready for ``Admin.ensure``."""
    topics = names(settings)
    return (
        _topic(settings, topics.tasks, settings.tasks_partitions, _DAY),
        _topic(settings, topics.results, settings.results_partitions, _DAY),
        # One partition: 4 workers beat 69 000 times a day, and a beat older than 15 s says nothing.
        _topic(settings, topics.heartbeats, 1, 10 * _MINUTE),
        _topic(settings, topics.dead_letters, 3, 30 * _DAY),
    )


def _topic(settings: Kafka, name: str, partitions: int, retention_ms: int) -> Topic:
    config = {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "retention.ms": str(retention_ms),
        # A segment is only deleted once it is closed: the default of 7 days would outlive most of these.
        "segment.ms": str(min(retention_ms, _DAY)),
        "unclean.leader.election.enable": "false",
        # Two copies before an acknowledgement, where there are three: one broker may go, nothing stops.
        "min.insync.replicas": "2" if settings.replication > 2 else "1",
    }
    return Topic(name=name, partitions=partitions, replication=settings.replication, config=config)
