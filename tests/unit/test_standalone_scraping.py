"""Prometheus learns where the roles of `pixo up` are."""

import json

from services.standalone.scraping import Targets


def test_targets_are_what_prometheus_reads(tmp_path):
    """The file has every process once, with its last port, in the form of file_sd_configs; no half of it is left."""
    targets = Targets(tmp_path)
    targets.tell("web", 1001)
    targets.tell("worker-1", 1002)
    targets.tell("worker-1", 1003)

    assert json.loads((tmp_path / "metrics-targets.json").read_text()) == [
        {"targets": ["127.0.0.1:1001"], "labels": {"pod": "web"}},
        {"targets": ["127.0.0.1:1003"], "labels": {"pod": "worker-1"}},
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["metrics-targets.json"]
