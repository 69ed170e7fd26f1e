"""Renders the chart, and finds things in what came out."""

import functools
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.chart.programs import find

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "pixo"
MODES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
"""The files of ``ci/``: each is a supported way of installing."""
KUBERNETES = ("1.30.0", "1.34.0", "1.37.0")
"""The oldest that the chart takes, the one that it is run on, the newest."""

Object = dict[str, Any]


class Refused(Exception):
    """Raised when helm does not render; the text is what it says."""


def helm(*words: str) -> str:
    """Give what helm prints."""
    done = subprocess.run([find("helm"), *words], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


@functools.cache
def render(
    mode: str | None = None, *sets: str, kubernetes: str = "1.34.0", release: str = "pixo", namespace: str = "pixo"
) -> tuple[Object, ...]:
    """Give the objects of a release, with a mode's values and then ``--set`` ones; raise Refused."""
    words = ["template", release, str(CHART), "--namespace", namespace, "--kube-version", kubernetes]
    if mode:
        words += ["--values", str(CHART / "ci" / f"{mode}-values.yaml")]
    for one in sets:
        words += ["--set-json" if "=[" in one or "={" in one else "--set", one]
    return tuple(one for one in yaml.safe_load_all(helm(*words)) if one)


def one(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """Give the only object of the kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    """Give the name and pod specification of everything that runs."""
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield name, each["spec"]
        elif "template" in each.get("spec", {}):
            yield name, each["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    """Give all containers of a pod, those that run first as well."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def variables(objects: tuple[Object, ...], container: Object) -> dict[str, str | None]:
    """Give the environment of a container; None is a value of a secret or of the pod."""
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        found |= one(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def walk(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every path of a tree of maps, with what is there."""
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        yield here, value
        if isinstance(value, Mapping):
            yield from walk(value, here)


def values() -> Object:
    """Give the chart's own values."""
    read: Object = yaml.safe_load((CHART / "values.yaml").read_text())
    return read
