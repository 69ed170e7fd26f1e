"""Metrics: every role shows its own, under Prometheus' naming rules."""

from typing import get_args

import pytest
from prometheus_client import generate_latest

from pixo import metrics, topics
from pixo.settings import Kafka
from tests import kinds

ROLES = get_args(metrics.Role)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_shows_build_and_process(role):
    """Each role's registry can be read and tells version, role and the process' own figures."""
    text = generate_latest(metrics.expose(role)).decode()

    assert f'role="{role}"' in text
    assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("role", ROLES)
def test_names_follow_the_convention(role):
    """Names begin with pixo_ and no label is unbounded."""
    unbounded = {"job", "job_id", "tile", "filename", "worker", "id", "pod"}
    for metric in metrics.expose(role).collect():
        assert metric.name.startswith(("pixo_", "process_", "python_"))
        assert not any(unbounded & set(sample.labels) for sample in metric.samples)


def test_roles_do_not_show_what_they_do_not_do():
    """A worker tells nothing about HTTP requests, and no zero for the monitor's lag."""
    text = generate_latest(metrics.expose("worker")).decode()

    assert "pixo_http" not in text
    assert "pixo_task_oldest_age_seconds" not in text


LATE = {
    # What appears only when it is known: routes are the app's, partitions and lag are Kafka's.
    "pixo_http_requests",
    "pixo_http_request_duration_seconds",
    "pixo_kafka_consumer_last_poll_timestamp_seconds",
    "pixo_kafka_consumer_group_lag_messages",
    "pixo_kafka_topic_partitions",
}


@pytest.mark.parametrize("role", ROLES)
def test_all_label_sets_start_at_zero(role):
    """A first failed job is a rise from zero, not a new series; so it is for every metric, under any prefix."""
    names = topics.names(Kafka(topic_prefix="mine."))
    found = {family.name: family for family in metrics.expose(role, names).collect()}

    assert {name for name, family in found.items() if not family.samples} <= LATE
    assert {s.labels["topic"] for f in found.values() for s in f.samples if "topic" in s.labels} >= {
        "mine.heartbeats" if role == "monitor" else {"web": "mine.tasks"}.get(role, "mine.results"),
    }


def test_refusals_that_start_at_zero_are_the_code_s():
    """Every kind of refusal that an upload can meet is known beforehand; others would count as "other"."""
    elsewhere = {
        *("bad-range", "cross-site", "expired", "foreign-host", "job-failed", "no-image-yet", "no-preview"),
        *(
            "no-such-job",
            "no-such-tile",
            "no-tile-yet",
            "no-token",
            "not-found",
            "too-many-listeners",
            "too-many-previews",
        ),
        *("too-many-requests", "wrong-state"),
    }

    assert kinds.named("Refusal", "most") - elsewhere <= set(metrics.REFUSALS)


@pytest.mark.parametrize(
    ("filters", "label"),
    [
        ("none", "none"),
        ("grayscale", "grayscale"),
        ("blur:sigma=4", "blur"),
        ("unsharp:radius=2:amount=3", "unsharp"),
        ("blur:sigma=4,grayscale", "chain"),
    ],
)
def test_operation_is_bounded(filters, label):
    """A chain's label is its one filter's name, or ``chain``, whatever its parameters."""
    assert metrics.operation(filters) == label
