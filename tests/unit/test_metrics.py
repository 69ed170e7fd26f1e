"""Metrics: every role shows its own, under Prometheus' naming rules."""

from typing import get_args

import pytest
from prometheus_client import generate_latest

from pixo import metrics

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


def test_known_outcomes_start_at_zero():
    """A first failed job is a rise from zero, not a new series."""
    text = generate_latest(metrics.expose("results")).decode()

    assert 'pixo_jobs_completed_total{outcome="failed"}' in text


@pytest.mark.parametrize(
    ("filters", "label"),
    [
        ("", "none"),
        ("grayscale", "grayscale"),
        ("blur:sigma=4", "blur"),
        ("unsharp:radius=2,amount=3", "unsharp"),
        ("unsharp:radius=2:amount=3", "unsharp"),
        ("blur:sigma=4,grayscale", "chain"),
    ],
)
def test_operation_is_bounded(filters, label):
    """A chain's label is its one filter's name, or ``chain``, whatever its parameters."""
    assert metrics.operation(filters) == label
