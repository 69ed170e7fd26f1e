"""`pixo topics ensure`, which the chart's Job runs."""

import json
import os
import subprocess
import sys
from secrets import token_hex

from services.cli.__main__ import main


def test_topics_are_made_and_told(tansu, monkeypatch, capsys):
    """The topics are there afterwards with the partitions of the settings; a second time changes nothing."""
    prefix = f"{token_hex(4)}."
    monkeypatch.setenv("PIXO_KAFKA", tansu)
    monkeypatch.setenv("PIXO_KAFKA_PROFILE", "embedded")
    monkeypatch.setenv("PIXO_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("PIXO_TASKS_PARTITIONS", "7")

    for _ in range(2):
        assert main(["topics", "ensure", "--json"]) == 0
        made = json.loads(capsys.readouterr().out)["topics"]
        assert made[f"{prefix}tasks"] == 7
        assert set(made) == {prefix + name for name in ("tasks", "results", "heartbeats", "dead-letters")}


def test_no_kafka_is_one_line():
    """A Kafka that does not come in time is one line with its address, and exit code 1; no log lines come before."""
    command = [sys.executable, "-m", "services.cli", "topics", "ensure", "--wait", "0"]
    done = subprocess.run(
        command, env={**os.environ, "PIXO_KAFKA": "127.0.0.1:1"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("pixo topics: Kafka at 127.0.0.1:1 is out of reach: ")
