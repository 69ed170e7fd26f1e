"""An installation of Pixo in a namespace of its own, and what a user and an operator do with it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from tests.cluster.kit import run

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
        self.delete_namespace()  # of a run that was cut off
        run("kubectl", "create", "namespace", self.namespace)
        run("kubectl", "label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce=restricted")

    def delete_namespace(self) -> None:
        """Remove the namespace and all in it, if it is there."""
        run("kubectl", "delete", "namespace", self.namespace, "--ignore-not-found", "--wait", "--timeout=300s")

    def helm(self, verb: str, *words: str) -> str:
        """Install or upgrade, with an Ingress; return when all is ready."""
        values = ["--values", f"{CHART}/ci/local-values.yaml", "--set", f"web.ingress.hosts[0]={self.host}"]
        wait = ["--wait", "--timeout", "8m"]
        return run("helm", verb, self.name, CHART, "--namespace", self.namespace, *values, *wait, *words)

    def noted(self, command: str) -> list[str]:
        """Give the words of the one command in the release's notes that begins so."""
        notes = run("helm", "get", "notes", self.name, "--namespace", self.namespace)
        (found,) = [line.split() for line in notes.splitlines() if line.strip().startswith(command)]
        return found

    def rollback(self) -> str:
        """Go back to the revision before, as the notes say; return when all is ready."""
        return run(*self.noted("helm rollback"), "--wait", "--timeout", "8m")

    def test(self) -> str:
        """Run `helm test`; give what it says."""
        return run("helm", "test", self.name, "--namespace", self.namespace, "--timeout", "5m")

    @contextmanager
    def stranger(self) -> Iterator[str]:
        """Give the name of a pod that is nobody in particular and has Python in it, until the block ends."""
        pod = json.loads(self.kubectl("get", "pod", self.pods("monitor")[0]["metadata"]["name"], "--output", "json"))
        (container,) = pod["spec"]["containers"]
        spec = {
            "automountServiceAccountToken": False,
            "securityContext": pod["spec"]["securityContext"],
            "containers": [
                {
                    "name": "stranger",
                    "image": container["image"],
                    "command": ["python", "-c", "import signal; signal.pause()"],
                    "securityContext": container["securityContext"],
                }
            ],
        }
        self.kubectl("run", "stranger", f"--image={container['image']}", f"--overrides={json.dumps({'spec': spec})}")
        try:
            self.kubectl("wait", "pod/stranger", "--for=condition=Ready", "--timeout=300s")
            yield "stranger"
        finally:
            self.kubectl("delete", "pod", "stranger", "--grace-period=1")

    def evict(self, pod: str) -> None:
        """Ask for a pod to go, as a drain does; a budget may refuse it."""
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        run("kubectl", "create", "--raw", path, "--filename", "-", given=json.dumps(eviction))

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

    def last_words(self, pod: str) -> str:
        """Give the end of what the pod's former container logged."""
        return self.kubectl("logs", pod, "--previous", "--tail=30")

    def rolled_out(self, *roles: str) -> None:
        """Return when the Deployments are as they should be."""
        for role in roles:
            self.kubectl("rollout", "status", f"deployment/{self.full}-{role}", "--timeout=600s")

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
        """Upload an image; give the job's id. Asks again for a while when told that something is out of reach."""
        deadline = time.monotonic() + 120
        while True:
            answer = client.post("/api/v1/jobs", params=query, content=image, headers={"Content-Type": "image/jpeg"})
            if answer.status_code == 202:
                return str(answer.json()["id"])
            assert away(answer), answer.text
            assert time.monotonic() < deadline, answer.text
            time.sleep(1)  # between two tries

    def finish(self, client: httpx.Client, job: str, patience: float = 600) -> bytes:
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


def turned(thing: Any, kind: str) -> datetime:
    """Give when a condition of an object last changed."""
    (found,) = [one for one in thing["status"]["conditions"] if one["type"] == kind]
    return datetime.fromisoformat(found["lastTransitionTime"])
