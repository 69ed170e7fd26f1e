"""An installation of Pixo in a namespace of its own, and what a user and an operator do with it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.cluster.kit import ROOT, run

DOOR = "http://127.0.0.1:18080"
CHART = "charts/pixo"
ENDED = {"done", "failed", "cancelled"}


class Release:
    """A release by name in a namespace that enforces restricted pods; ``host`` is its name at the Ingress."""

    def __init__(self, namespace: str, name: str = "pixo", host: str = "pixo.test") -> None:
        self.namespace = namespace
        self.name = name
        self.full = name if "pixo" in name else f"{name}-pixo"
        self.host = host

    def create_namespace(self) -> None:
        """Make the namespace, with the label that makes the API server refuse pods that are not restricted."""
        run("kubectl", "create", "namespace", self.namespace)
        run("kubectl", "label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce=restricted")

    def delete_namespace(self) -> None:
        """Remove the namespace and all in it."""
        run("kubectl", "delete", "namespace", self.namespace, "--wait", "--timeout=180s")

    def helm(self, verb: str, *words: str, mode: str = "local", wait: bool = True) -> str:
        """Install or upgrade, with the values of a mode of `ci/` and the images of this checkout."""
        more = ["--wait", "--timeout", "5m"] if wait else []
        values = ["--values", f"{CHART}/ci/local-values.yaml", "--set-string", "image.tag=test"]
        if mode != "local":
            values = [*values, "--values", mode]
        host = ["--set", f"web.ingress.hosts[0]={self.host}"]
        return run("helm", verb, self.name, CHART, "--namespace", self.namespace, *values, *host, *more, *words)

    def uninstall(self) -> None:
        """Remove the release; what it keeps stays."""
        run("helm", "uninstall", self.name, "--namespace", self.namespace, "--wait")

    def kubectl(self, *words: str) -> str:
        """Give what kubectl prints, for this namespace."""
        return run("kubectl", "--namespace", self.namespace, *words)

    def get(self, *words: str) -> Any:
        """Give objects as data."""
        return json.loads(self.kubectl("get", *words, "--output", "json"))

    def pods(self, role: str) -> list[Any]:
        """Give the pods of a role or server that are not on their way out."""
        found = self.get(
            "pods", "--selector", f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={role}"
        )
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, role: str) -> int:
        """Give how many pods of the role are ready."""
        return sum(condition(pod, "Ready") for pod in self.pods(role))

    def restarts(self) -> dict[str, int]:
        """Give the pods whose containers were started again, and how often."""
        found = {
            pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"].get("containerStatuses", []))
            for pod in self.get("pods")["items"]
        }
        return {name: count for name, count in found.items() if count}

    def rolled_out(self, *roles: str) -> None:
        """Return when the Deployments are as they should be."""
        for role in roles:
            self.kubectl("rollout", "status", f"deployment/{self.full}-{role}", "--timeout=300s")

    def partitions(self) -> int:
        """Give the partitions of `tasks`, as the monitor sees them."""
        with self.client() as client:
            topics = client.get("/api/v1/cluster").json().get("topics", [])
        return next((topic["partitions"] for topic in topics if topic["name"].endswith("tasks")), 0)

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Give a client that speaks through the Ingress."""
        with httpx.Client(base_url=DOOR, headers={"Host": self.host}, timeout=180) as client:
            yield client

    def submit(self, client: httpx.Client, image: bytes, **query: str) -> str:
        """Upload an image; give the job's id."""
        answer = client.post("/api/v1/jobs", params=query, content=image, headers={"Content-Type": "image/jpeg"})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def finish(self, client: httpx.Client, job: str, patience: float = 240) -> bytes:
        """Wait for a job's end; give its result. A request that fails meanwhile is sent again for as long."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            answer = client.get(f"/api/v1/jobs/{job}", params={"wait": "10"})
            if answer.status_code != 200:
                assert away(answer), answer.text
                time.sleep(0.5)  # between two looks
                continue
            found = answer.json()
            if found["status"] in ENDED:
                assert found["status"] == "done", found
                return fetch(client, job, deadline)
        raise AssertionError(f"job {job} has not ended after {patience} s: {found}")


def away(answer: httpx.Response) -> bool:
    """Say whether it is the door's own answer, for want of a ready pod: Traefik then knows no such page."""
    own = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return answer.status_code in {502, 503, 504} or (answer.status_code == 404 and not own)


def fetch(client: httpx.Client, job: str, deadline: float) -> bytes:
    """Give a finished job's result."""
    while True:
        answer = client.get(f"/api/v1/jobs/{job}/result")
        if answer.status_code == 200:
            return answer.content
        assert away(answer), answer.text
        assert time.monotonic() < deadline
        time.sleep(0.5)  # between two tries


def condition(thing: Any, kind: str) -> bool:
    """Say whether a condition of an object is true."""
    conditions = thing["status"].get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def until(what: str, true: Callable[[], object], patience: float = 120, pause: float = 1.0) -> float:
    """Return when it is true, with the seconds that took; fail when it stays untrue."""
    start = time.monotonic()
    while not true():
        waited = time.monotonic() - start
        assert waited < patience, f"not within {patience} s: {what}"
        time.sleep(pause)  # between two looks
    return time.monotonic() - start


__all__ = ["ROOT", "Release", "condition", "until"]
