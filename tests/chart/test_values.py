"""The schema knows every value, and refuses every other."""

import json

import pytest
from referencing.jsonschema import Schema

from tests.chart import tables
from tests.chart.rendering import CHART, Refused, render, values, walk

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def properties(schema: Schema) -> dict[str, Schema]:
    """Give the properties of a part of the schema, references followed."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema.get("properties", {})


def described(path: str) -> bool:
    """Say whether the schema has the path, or an object on the way whose keys are anybody's."""
    schema = SCHEMA
    for word in path.split("."):
        known = properties(schema)
        if not known:
            return True
        if word not in known:
            return False
        schema = known[word]
    return True


def test_every_value_is_in_the_schema() -> None:
    """values.yaml has no key that the schema does not know."""
    assert [path for path, _ in walk(values()) if not described(path)] == []


def test_every_property_has_a_value() -> None:
    """The schema knows no key that values.yaml has not; `enabled` is for charts that this one is a part of."""

    def missing(schema: Schema, have: object, path: str) -> list[str]:
        if not isinstance(have, dict) or schema.get("$ref"):
            return []
        known = properties(schema)
        return [f"{path}{key}" for key in known if key not in have] + [
            found for key, part in known.items() for found in missing(part, have.get(key), f"{path}{key}.")
        ]

    assert missing(SCHEMA, values(), "") == ["enabled"]


@pytest.mark.parametrize(
    ("typo", "word"),
    [
        ("workers.replicaCount=3", "'workers'"),
        ("worker.replicas=3", "'replicas'"),
        ("worker.resources.limit.memory=1Gi", "'limit'"),
        ("kafka.topics.tasks.partition=12", "'partition'"),
        ("kafka.topics.provisioner=hook", "provisioner"),
        ("kafka.topics.tasks.partitions=0", "partitions"),
        ("externalKafka.securityProtocol=sasl_ssl", "securityProtocol"),
        ("web.ingress.host=a.example.org", "'host'"),
        ("web.image.tag=latest", "/web/image/tag"),
        ("config.maxUploadBytes=1Gi", "maxUploadBytes"),
        ("config.logLevel=warn", "logLevel"),
        ("worker.autoscaling.minReplicas=0", "minReplicas"),
        ("monitor.replicaCount=2", "/monitor/replicaCount"),
        ("redis.persistence.whenDeleted=Keep", "whenDeleted"),
        ("externalObjectStore.url=file:///images", "/externalObjectStore/url"),
        ("metrics.podMonitor.enable=true", "'enable'"),
    ],
)
def test_typing_errors_are_refused(typo: str, word: str) -> None:
    """A key or a value that does not exist stops the installation, with its name."""
    with pytest.raises(Refused, match=word):
        render(None, typo)


def test_a_parent_chart_may_say_more() -> None:
    """As a part of another chart it takes `enabled`, and whatever that one keeps in `global`."""
    assert render(None, "enabled=true", "global.domain=example.org")


def test_the_readme_lists_the_values() -> None:
    """The table of the chart's README is the one that values.yaml gives."""
    text = tables.README.read_text()

    assert text == tables.with_values(text), "run python -m tests.chart.tables"
