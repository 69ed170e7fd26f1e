"""A real cluster on this machine, by the kit in the folder that PIXO_CLUSTER_KIT names; images built and loaded."""

import fcntl
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pixo

ROOT = Path(__file__).parents[2]
KIT = Path(os.environ.get("PIXO_CLUSTER_KIT") or ROOT.parent / "shared" / "cluster").absolute()
ROLES = ("web", "worker", "results", "monitor")
IMAGES = tuple(f"pixo-{role}:{pixo.__version__}" for role in ROLES)
"""This checkout's, under the names that the chart gives them by itself."""
BASE = "pixo-base:trixie"
SERVERS = {
    "apache/kafka:4.3.1": "kafka-image",
    "valkey/valkey:8.1": "valkey-image",
    "versity/versitygw:v1.8.0": "s3-image",
}
"""The images of others, under the names of the chart, and what builds their stand-ins."""
SHARES = [("kube-system", "coredns", "200m"), ("ingress", "traefik", "100m")]
"""Parts of the cluster that all pods wait for. They ask for 10m; where no processor is idle they would starve."""
COMPOSE = f"""
FROM {BASE}
RUN apt-get update -q && apt-get install -yq --no-install-recommends docker-compose
"""


def run(*words: str, env: dict[str, str] | None = None, given: str | None = None, patience: float = 900) -> str:
    """Give what a command prints, with what it is given to read; raise with all that it said when it fails."""
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        input=given,
        timeout=patience,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def alone() -> Iterator[None]:
    """Hold the one cluster of this machine; raises AssertionError at once while another run holds it."""
    with Path(tempfile.gettempdir(), "pixo-test-cluster.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AssertionError("another run of these tests has this machine's only cluster") from None
        yield


def up() -> None:
    """Start the cluster, and set this process's environment so that kubectl and helm find it."""
    for name, value in re.findall(r"^export (\w+)=(.*)$", run(str(KIT / "up")), re.MULTILINE):
        os.environ[name] = value.replace("$PATH", os.environ["PATH"])
    for namespace, name, cpu in SHARES:
        kubectl = ("kubectl", "--namespace", namespace)
        run(*kubectl, "set", "resources", f"deployment/{name}", f"--requests=cpu={cpu}")
        run(*kubectl, "rollout", "status", f"deployment/{name}", "--timeout=300s")


def load() -> None:
    """Build all images, and load them into the cluster."""
    build()
    run(str(KIT / "load"), *IMAGES, *SERVERS)


def build() -> None:
    """Start an engine; build the four images from this checkout, and stand-ins for the others where there are none."""
    run(str(KIT / "engine"))
    if BASE not in _images():
        run(str(KIT / "base-image"))
    with ThreadPoolExecutor(1) as pool:
        servers = pool.submit(_build_servers)
        # The engine may have the classic builder only.
        options = (f"PYTHON_IMAGE={BASE}", "BUILD_ARGS=--network host")
        run("make", "images", *options, env={"DOCKER_BUILDKIT": "0"})
        servers.result()


def fetch_compose() -> None:
    """Give the engine's client Docker Compose of the second version, out of the base's Debian, where it has none."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    image = "pixo-compose:trixie"
    build = ["docker", "build", "--network", "host", "--tag", image, "-"]
    run(*build, given=COMPOSE, env={"DOCKER_BUILDKIT": "0"})
    container = run("docker", "create", image).strip()
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins"
    folder.mkdir(parents=True, exist_ok=True)
    run("docker", "cp", f"{container}:/usr/libexec/docker/cli-plugins/docker-compose", str(folder))
    run("docker", "rm", container)


def down() -> None:
    """End the cluster."""
    run(str(KIT / "down"))


def _images() -> list[str]:
    return run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()


def _build_servers() -> None:
    for image, command in SERVERS.items():
        if image not in _images():
            # The kit's tag of the gateway has no v, as the public one has.
            built = run(str(KIT / command)).split()
            if image not in built:
                run("docker", "tag", built[0], image)


if __name__ == "__main__":
    build()
    fetch_compose()
