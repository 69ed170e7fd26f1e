"""Asks a Pixo whether it is whole: web ready, workers and results alive, topics there. The argument is its URL."""

import json
import sys
import time
import urllib.error
import urllib.request
from os import environ

PATIENCE = 90


def get(path: str) -> dict:
    """Give the JSON at the path."""
    token = environ.get("PIXO_API_TOKENS", "").partition(",")[0]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, headers=headers), timeout=10) as answer:
        return json.load(answer)


def missing() -> list[str]:
    """Give what is not as it should be, as sentences."""
    found = []
    if get("/healthz")["status"] != "ok" or get("/readyz")["status"] != "ok":
        found.append("web is not ready")
    if not get("/api/v1/workers")["workers"]:
        found.append("no worker lives")
    cluster = get("/api/v1/cluster")
    roles = {one["role"] for one in cluster["roles"]}
    found += [f"no {role} lives" for role in ("web", "results", "monitor") if role not in roles]
    if not cluster.get("topics"):
        found.append("the monitor sees no topics")
    return found


deadline = time.monotonic() + PATIENCE
while True:
    try:
        wrong = missing()
    except (urllib.error.URLError, OSError) as error:
        wrong = [f"{sys.argv[1]} does not answer: {error}"]
    if not wrong:
        print("healthy")
        sys.exit(0)
    if time.monotonic() > deadline:
        sys.exit("; ".join(wrong))
    time.sleep(2)
