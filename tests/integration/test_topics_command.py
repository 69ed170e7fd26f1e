"""``python -m services.monitor.topics``, which the chart's Job runs, against the embedded broker."""

import os
import subprocess
import sys
from contextlib import closing
from secrets import token_hex

from pixo import broker
from pixo.settings import Kafka
from tests.conftest import free_port


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these settings and no patience."""
    environment = {**os.environ, "PIXO_KAFKA_PROFILE": "embedded", "PIXO_LOG_FORMAT": "json", **settings}
    command = [sys.executable, "-m", "services.monitor.topics", "--wait", "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_topics_are_made_once_and_found_again(tansu: str) -> None:
    """The topics are there afterwards, with the partitions of the settings; a second time nothing is amiss."""
    prefix = f"{token_hex(4)}."
    settings = {"PIXO_KAFKA": tansu, "PIXO_TOPIC_PREFIX": prefix, "PIXO_TASKS_PARTITIONS": "5"}
    for _ in range(2):
        done = run(**settings)
        assert done.returncode == 0, done.stderr

    with closing(broker.open(Kafka(kafka=tansu, kafka_profile="embedded"), "test")) as kafka:
        assert kafka.admin().partitions(f"{prefix}tasks") == 5


def test_kafka_that_does_not_come() -> None:
    """Without a broker it says so and fails, so that the Job starts it anew."""
    done = run(PIXO_KAFKA=f"127.0.0.1:{free_port()}")

    assert done.returncode == 1
    assert "kafka did not come" in done.stdout + done.stderr


def test_a_wrong_setting() -> None:
    """A setting that is wrong ends it with the name, and with the code that says that another start is no help."""
    done = run(PIXO_TASKS_PARTITIONS="none")

    assert done.returncode == 78
    assert "PIXO_TASKS_PARTITIONS" in done.stderr
