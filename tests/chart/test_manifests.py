"""What is in `k8s/` is what the chart gives, and builds."""

import os
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.chart.programs import find
from tests.chart.rendering import ROOT
from tests.chart.test_render import FOREIGN

OVERLAYS = sorted(path.parent.name for path in (ROOT / "k8s" / "overlays").glob("*/kustomization.yaml"))


def test_rendered_files_are_the_chart_s(tmp_path: Path) -> None:
    """Each overlay's file is what `make manifests` writes today."""
    environment = {**os.environ, "HELM": find("helm")}
    subprocess.run([ROOT / "k8s" / "render", tmp_path], check=True, env=environment)
    for overlay in OVERLAYS:
        committed = (ROOT / "k8s" / "overlays" / overlay / "pixo.yaml").read_text()
        assert committed == (tmp_path / overlay / "pixo.yaml").read_text(), "run make manifests"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_build(overlay: str) -> None:
    """Kustomize takes each overlay; it has the restricted namespace, valid objects, and every secret is somebody's."""
    done = subprocess.run(
        [find("kubectl"), "kustomize", str(ROOT / "k8s" / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=True,
    )
    objects = list(yaml.safe_load_all(done.stdout))
    (namespace,) = [one for one in objects if one["kind"] == "Namespace"]

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for one in objects:
        if one["kind"] not in FOREIGN:
            kubernetes_validate.validate(one, "1.34", strict=True)
        if one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == "pixo"


def test_no_password_is_committed() -> None:
    """Rendered files have no secret in them; kustomize makes the one of the laptop's overlay, which is no secret."""
    for overlay in OVERLAYS:
        objects = yaml.safe_load_all((ROOT / "k8s" / "overlays" / overlay / "pixo.yaml").read_text())
        assert not [one for one in objects if one["kind"] == "Secret"]


@pytest.mark.parametrize("path", sorted((ROOT / "k8s").glob("**/*.yaml")), ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    """Every file can be read, and says what it is, but for values."""
    for one in yaml.safe_load_all(path.read_text()):
        assert path.name == "values.yaml" or {"apiVersion", "kind"} <= set(one)
