"""Every supported mode renders, for the oldest, the tested and the newest Kubernetes, and is what the API takes."""

import jsonschema
import kubernetes_validate
import pytest

from tests.chart import foreign
from tests.chart.rendering import CHART, KUBERNETES, MODES, helm, one, render

FOREIGN = {
    "ScaledObject",
    "TriggerAuthentication",
    "KafkaTopic",
    "PodMonitor",
    "ServiceMonitor",
    "PrometheusRule",
    "HTTPRoute",
} | {"ClientSettingsPolicy"}
"""Kinds that other projects define, so that Kubernetes' own schemas do not know them."""


@pytest.mark.parametrize("mode", MODES)
def test_lint(mode: str) -> None:
    """Helm finds nothing to complain of in the chart with the mode's values."""
    assert "0 chart(s) failed" in helm(
        "lint", "--strict", str(CHART), "--values", str(CHART / "ci" / f"{mode}-values.yaml")
    )


def test_names_may_look_like_numbers() -> None:
    """A release and a namespace of digits stay text everywhere, as the API wants it."""
    for each in render(release="2026", namespace="2026"):
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, "1.34", strict=True)


def test_checksums_are_text() -> None:
    """One in two thousand has no letter: without quotes it would be a number, which no annotation may be."""
    lines = [line for path in (CHART / "templates").rglob("*.*") for line in path.read_text().splitlines()]
    checksums = [line for line in lines if line.strip().startswith("checksum/")]
    assert len(checksums) >= 5
    assert all(line.endswith("| quote }}") for line in checksums)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("mode", [None, *MODES])
def test_objects_are_valid(mode: str | None, kubernetes: str) -> None:
    """Each object has the fields of its kind and no other, by the schema of the version."""
    objects = render(mode, kubernetes=kubernetes)
    for each in objects:
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, kubernetes.rpartition(".")[0], strict=True)

    assert len({(each["kind"], each["metadata"]["name"]) for each in objects}) == len(objects)


def test_every_foreign_kind_is_rendered() -> None:
    """The modes together make each of the kinds that the chart knows, so that none rots unseen."""
    assert {each["kind"] for mode in MODES for each in render(mode)} >= FOREIGN - {"TriggerAuthentication"}
    secured = render("external", "worker.autoscaling.enabled=true")
    assert "TriggerAuthentication" in {each["kind"] for each in secured}


@pytest.mark.parametrize("mode", [*MODES, "external-keda"])
def test_foreign_objects_are_valid(mode: str) -> None:
    """Objects of KEDA, the Prometheus operator and the Gateway API have the fields that these define, and no other."""
    objects = render("external", "worker.autoscaling.enabled=true") if mode == "external-keda" else render(mode)
    for each in objects:
        if each["apiVersion"].partition("/")[0] in foreign.MODULES:
            foreign.validate(each)


def test_typing_errors_in_foreign_objects_are_seen() -> None:
    """A field that KEDA does not know, or a number that is a word, is refused: the check can fail."""
    scaled = one(render("keda"), "ScaledObject", "pixo-worker")
    for wrong in ({"minReplicas": 1}, {"maxReplicaCount": "many"}):
        with pytest.raises(jsonschema.ValidationError):
            foreign.validate({**scaled, "spec": {**scaled["spec"], **wrong}})


def test_two_releases_share_no_name() -> None:
    """Two releases in one namespace have no object in common, nor any selector that finds the other's pods."""
    names = [
        {(each["kind"], each["metadata"]["name"]) for each in render(None, release=release)}
        for release in ("pixo", "second")
    ]
    selectors = [
        [each["spec"]["selector"] for each in render(None, release=release) if each["kind"] == "Service"]
        for release in ("pixo", "second")
    ]

    assert not names[0] & names[1]
    assert not [one for one in selectors[0] if one in selectors[1]]


def test_long_names_stay_within_limits() -> None:
    """The longest release name that Helm takes still gives names of 63 characters at most."""
    longest = "a" * 53
    for each in render(None, release=longest):
        assert len(each["metadata"]["name"]) <= 63 - (len("-0") if each["kind"] == "StatefulSet" else 0)


def test_namespace_is_the_release_s() -> None:
    """Every object names the release's namespace, so that rendered files can be applied as they are."""
    assert {each["metadata"]["namespace"] for each in render(None, namespace="elsewhere")} == {"elsewhere"}


def test_extra_objects_are_templates() -> None:
    """What is given as extraObjects is rendered with the release's own values."""
    (extra,) = [each for each in render("monitoring") if each["metadata"]["name"] == "pixo-extra"]
    assert extra["data"] == {"release": "pixo"}


def test_common_labels_and_annotations_reach_everything() -> None:
    """Common labels and annotations are on every object of the chart's own, and on the pods."""
    for each in render("monitoring"):
        if each["metadata"]["name"] == "pixo-extra":
            continue
        assert each["metadata"]["labels"]["team"] == "images", each["metadata"]["name"]
        assert each["metadata"]["annotations"]["owner"] == "images@example.org", each["metadata"]["name"]
        template = each.get("spec", {}).get("template") if isinstance(each.get("spec"), dict) else None
        if template and each["kind"] in {"Deployment", "StatefulSet"}:
            assert template["metadata"]["labels"]["team"] == "images"
