"""skaffold.yaml speaks of things that are there. It was checked against the schema of v4beta14 when it was written."""

import re

import yaml

from tests.chart.rendering import ROOT, values

CONFIG = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
RELEASES = [release for part in (CONFIG, *CONFIG["profiles"]) for release in part["deploy"]["helm"]["releases"]]


def test_targets_are_the_dockerfile_s() -> None:
    """Each image is built from a target that the Dockerfile has, one for each role."""
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    built = {artifact["docker"]["target"] for artifact in CONFIG["build"]["artifacts"]}

    assert built == {"web", "worker", "results", "monitor"}
    assert built <= targets


def test_values_exist() -> None:
    """Every value that is set is one of the chart's, every image is one that is built, every file is there."""
    names = {artifact["image"].replace("-", "_") for artifact in CONFIG["build"]["artifacts"]}
    for release in RELEASES:
        assert all((ROOT / path).exists() for path in [release["chartPath"], *release["valuesFiles"]])
        for path, template in {**release["setValueTemplates"], **release.get("setValues", {})}.items():
            found = values()
            for word in path.split("."):
                found = found[word]
            named = re.findall(r"IMAGE_(?:REPO|TAG)_(\w+)", template)
            assert set(named) <= names


def test_every_role_gets_its_image() -> None:
    """Each way of deploying uses the images that were built, for all four roles."""
    for release in RELEASES:
        for role in ("web", "worker", "results", "monitor"):
            for what in ("repository", "tag"):
                template = release["setValueTemplates"][f"{role}.image.{what}"]
                assert template == f"{{{{.IMAGE_{'REPO' if what == 'repository' else 'TAG'}_pixo_{role}}}}}"
