"""Names of topics and groups, and how topics are cut."""

import pytest

from pixo import topics
from pixo.settings import Kafka


def test_names_without_a_prefix() -> None:
    """The names that tests from outside use are these."""
    names = topics.names(Kafka())

    assert (names.tasks, names.results, names.heartbeats, names.dead_letters) == (
        "tasks",
        "results",
        "heartbeats",
        "dead-letters",
    )
    assert (names.workers, names.stitchers) == ("image-processor-group", "result-stitcher")


def test_prefix_is_before_every_name() -> None:
    """Installations with different prefixes share no topic and no group."""
    settings = Kafka(topic_prefix="blue.")
    names = topics.names(settings)

    assert all(getattr(names, field).startswith("blue.") for field in names.__struct_fields__)
    assert all(topic.name.startswith("blue.") for topic in topics.specs(settings))


def test_partitions_come_from_the_settings() -> None:
    """Tasks and results are cut as set; heartbeats are one line, dead letters three."""
    specs = topics.specs(Kafka(tasks_partitions=24, results_partitions=12, replication=3))

    assert [(topic.name, topic.partitions, topic.replication) for topic in specs] == [
        ("tasks", 24, 3),
        ("results", 12, 3),
        ("heartbeats", 1, 3),
        ("dead-letters", 3, 3),
    ]


@pytest.mark.parametrize(("replication", "copies"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_broker_may_go(replication: int, copies: str) -> None:
    """An acknowledged record has two copies where there are three brokers, and none is waited for with fewer."""
    for topic in topics.specs(Kafka(replication=replication)):
        assert topic.config["min.insync.replicas"] == copies
        assert topic.config["unclean.leader.election.enable"] == "false"
        assert int(topic.config["segment.ms"]) <= int(topic.config["retention.ms"])
