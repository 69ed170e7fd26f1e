"""A real Prometheus (Debian's package) that scrapes a Pixo every second, and questions to it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import free_port, running
from tests.waiting import until

NAMESPACE = "pixo"
STEP = 1.0


class Prometheus:
    """One that runs on this port."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def ask(self, path: str, **params: object) -> Any:
        """Give the data of an answer of the API."""
        answer = self.client.get(f"/api/v1/{path}", params={k: str(v) for k, v in params.items()}).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def series(self, expression: str, start: float, end: float, step: float = STEP) -> list[Any]:
        """Give what an expression was over a time: series with their numbers, those that are none left out."""
        found = self.ask("query_range", query=expression, start=start, end=end, step=step)["result"]
        for one in found:
            one["values"] = [(when, float(value)) for when, value in one["values"] if value != "NaN"]
        return [one for one in found if one["values"]]

    def value(self, expression: str) -> float | None:
        """Give the first number that an expression is now."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """Give the names of the alerts that fire now."""
        return {one["labels"]["alertname"] for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}

    def down(self) -> list[str]:
        """Give what is wrong with targets, and say so of having none."""
        active = self.ask("targets", state="active")["activeTargets"]
        return [one["lastError"] or one["health"] for one in active if one["health"] != "up"] or (
            [] if active else ["no targets"]
        )


@contextlib.contextmanager
def prometheus(folder: Path, targets: Path, rules: dict[str, Any]) -> Iterator[Prometheus]:
    """Run one that reads the file of targets that `pixo up` writes, in a namespace as a cluster would have it."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [
            {
                "job_name": "pixo",
                "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}],
                "relabel_configs": [{"target_label": "namespace", "replacement": NAMESPACE}],
            }
        ],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with running(command, port, folder / "prometheus.log"):
        found = Prometheus(port)
        with found.client:
            # It listens a moment before it answers.
            until(lambda: found.client.get("/-/ready").status_code == httpx.codes.OK, "Prometheus is ready")
            yield found


def promtool(*words: str) -> str:
    """Give what promtool says; fail with it when it is not content."""
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
