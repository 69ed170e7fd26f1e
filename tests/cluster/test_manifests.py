"""README's section on Kubernetes, run as it is written, and `k8s/`, taken by a real API server."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.chart import foreign
from tests.cluster.kit import ROOT, run
from tests.cluster.pictures import painted, right
from tests.cluster.release import Release
from tests.waiting import until

OVERLAYS = sorted(path.parent.name for path in (ROOT / "k8s" / "overlays").glob("*/kustomization.yaml"))
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.partition("#")[0].strip()
    for line in README.partition("\n## Kubernetes\n")[2].partition("\n## ")[0].splitlines()
    if line.startswith("    ")
]
"""The section's commands, without what is said beside them."""
VERBS = ["apply", "install", "test", "port-forward", "scale", "upgrade", "uninstall"]
FOREIGN = [("keda.sh", "ScaledObject"), ("keda.sh", "TriggerAuthentication"), ("monitoring.coreos.com", "PodMonitor")]
"""Kinds of the overlays that the cluster does not know by itself."""


@pytest.fixture(scope="module")
def namespace(cluster: None) -> Iterator[Release]:
    """Give the namespace that the commands speak of; the first of them makes it."""
    release = Release("pixo")
    yield release
    release.delete_namespace()


def test_commands_of_the_readme(namespace: Release) -> None:
    """Each ends well, in their order, and does what is said of it."""
    for command in COMMANDS:
        words = shlex.split(command)
        if "port-forward" in words:
            with forwarded(words):
                assert_page("http://localhost:5001")
        else:
            run(*words)
        if "upgrade" in words:
            assert namespace.get("deployment", "pixo-worker")["spec"]["replicas"] == 2
    verbs = [next(word for word in shlex.split(command) if word in VERBS) for command in COMMANDS]

    assert verbs == VERBS
    until(lambda: not namespace.get("all,persistentvolumeclaim")["items"], "nothing is left")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_are_taken(namespace: Release, overlay: str) -> None:
    """The API server takes every object of an overlay without a warning, those of other projects' kinds as well."""
    run("kubectl", "apply", "--kustomize", "k8s/namespace")
    for group, kind in FOREIGN:
        file = str(foreign.definition(group, kind))
        run("kubectl", "apply", "--server-side", "--filename", file)
        run("kubectl", "wait", "--for=condition=Established", "--filename", file, "--timeout=60s")
    folder = f"k8s/overlays/{overlay}"
    said = run("kubectl", "apply", "--kustomize", folder, "--dry-run=server", "--warnings-as-errors")

    assert "deployment.apps/pixo-worker created (server dry run)" in said


@contextmanager
def forwarded(command: list[str]) -> Iterator[None]:
    """Run a command until the block ends."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def assert_page(url: str) -> None:
    """See that the page is there, and that a picture comes back right."""

    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(url).status_code == 200
        return False

    until(answers, f"a page at {url}", 60)
    job = httpx.post(
        f"{url}/api/v1/jobs",
        params={"filters": "invert", "wait": "60"},
        content=painted(1600, 1200),
        headers={"Content-Type": "image/jpeg"},
        timeout=90,
    ).json()
    assert job["status"] == "done", job
    assert right(httpx.get(url + job["links"]["result"], timeout=60).content, 1600, 1200, "invert")
