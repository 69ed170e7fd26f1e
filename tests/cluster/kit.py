"""A real cluster on this machine, by the kit in the folder that PIXO_CLUSTER_KIT names; images built and loaded."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIT = Path(os.environ.get("PIXO_CLUSTER_KIT") or ROOT.parent / "shared" / "cluster")
ROLES = ("web", "worker", "results", "monitor")
BASE = "pixo-base:trixie"
SERVERS = {
    "apache/kafka:4.3.1": "kafka-image",
    "valkey/valkey:8.1": "valkey-image",
    "versity/versitygw:1.8.0": "s3-image",
}
"""The images of others, and what builds their stand-ins."""


def run(*words: str, env: dict[str, str] | None = None, patience: float = 900) -> str:
    """Give what a command prints; raise with all that it said when it fails."""
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        timeout=patience,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def up() -> None:
    """Start the cluster, and set this process's environment so that kubectl and helm find it."""
    for name, value in re.findall(r"^export (\w+)=(.*)$", run(str(KIT / "up")), re.MULTILINE):
        os.environ[name] = value.replace("$PATH", os.environ["PATH"])


def load() -> None:
    """Build the four images from this checkout, and stand-ins for the others where there are none; load all of them."""
    run(str(KIT / "engine"))
    have = run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    if BASE not in have:
        run(str(KIT / "base-image"))
    for image, command in SERVERS.items():
        if image not in have:
            run(str(KIT / command))
    # The engine may have the classic builder only.
    run("make", "images", f"PYTHON_IMAGE={BASE}", "BUILD_ARGS=--network host", "TAG=test", env={"DOCKER_BUILDKIT": "0"})
    run(str(KIT / "load"), *(f"pixo-{role}:test" for role in ROLES), *SERVERS)


def down() -> None:
    """End the cluster."""
    run(str(KIT / "down"))
