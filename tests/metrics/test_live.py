"""A whole Pixo under load and under every fault, watched by a real Prometheus with the rendered alerts.

One story, told in order; each chapter ends when the alerts of its fault fire. At the end every panel must have shown
something on the way.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from charts.dashboards.__main__ import ALL
from pixo import broker, settings, topics
from tests.chart.rendering import one, render
from tests.metrics.installation import Installation, installation, picture
from tests.metrics.prometheus import NAMESPACE, STEP, Prometheus, prometheus
from tests.waiting import until

CLUSTER_ONLY = ("kube_", "container_")
QUICK = {
    # The chart's thresholds at a pace at which a test can wait for them.
    "stalled": {"window": "10s", "for": "2s"},
    "queue": {"seconds": 8, "for": "1s"},
    "growing": {"window": "15s", "jobsPerMinute": 1, "waiting": 3, "for": "1s"},
    "errors": {"window": "30s", "ratio": 0.02, "for": "1s"},
    "jobSeconds": 15,
    "deadLetters": {"window": "1m", "records": 0},
    "unaccounted": {"for": "1s"},
    "heartbeat": {"for": "1s"},
    "idle": {"for": "1s"},
    "underscaled": {"for": "1s"},
    "rebalancing": {"window": "1m", "assignments": 0, "for": "1s"},
    "down": {"for": "1s"},
    "redisMemory": {"ratio": 0.9, "for": "1s"},
    "store": {"window": "15s", "for": "1s"},
    "absent": {"for": "5s"},
    "web": {
        "fast": {"severity": "critical", "rate": 14.4, "short": "10s", "long": "20s"},
        "slow": {"severity": "warning", "rate": 6, "short": "15s", "long": "30s"},
    },
}
SMALL = picture(1024, 768)


def rules() -> dict[str, Any]:
    """Give the rendered rules at that pace."""
    sets = f"metrics.prometheusRule.thresholds={json.dumps(QUICK)}"
    spec: dict[str, Any] = one(render("monitoring", sets, namespace=NAMESPACE), "PrometheusRule", "pixo")["spec"]
    return spec


@pytest.fixture(scope="module")
def pixo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give a running Pixo of two workers."""
    logs = {"PIXO_LOG_FORMAT": "json", "PIXO_LOG_LEVEL": "info"}
    with installation(tmp_path_factory.mktemp("up"), **logs) as running:
        yield running


@pytest.fixture(scope="module")
def watcher(tmp_path_factory: pytest.TempPathFactory, pixo: Installation) -> Iterator[Prometheus]:
    """Give a Prometheus that watches it from its first job on."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), pixo.data / "metrics-targets.json", rules()) as running:
        until(lambda: not running.down(), "all scraped")
        yield running


def fires(watcher: Prometheus, *alerts: str, patience: float = 90.0) -> float:
    """Wait until all these alerts have fired; give the seconds until the last."""
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.update(watcher.firing())
        return set(alerts) <= seen

    return until(all_seen, f"firing {alerts}", patience)


def whole(pixo: Installation, watcher: Prometheus) -> None:
    """Wait until it is as good as new."""
    until(lambda: len(pixo.workers("alive")) == 2, "workers back")
    until(lambda: watcher.value("min(pixo_part_up)") == 1, "parts back")
    until(lambda: pixo.submit(SMALL, wait=20).status_code == 200, "a job through")


def test_1_all_is_well_under_load(pixo: Installation, watcher: Prometheus) -> None:
    """Jobs of every size and filter, and a refused one: nothing alarms that would wake anybody."""
    for filters in ("grayscale", "blur:sigma=2,invert", ""):
        assert pixo.submit(SMALL, filters, wait=60).status_code == 200
    assert pixo.submit(b"no image").status_code == 415
    assert pixo.submit(picture(5000, 4000), "blur:sigma=2", wait=60).status_code == 200
    until(lambda: watcher.value('sum(pixo_job_duration_seconds_count{size="bulk"})') == 1, "bulk job told")

    assert not watcher.firing() & {"PixoKafkaDown", "PixoRedisDown", "PixoStoreFailing", "PixoTilesUnaccounted"}


def test_1_a_job_is_told_by_one_grep(pixo: Installation) -> None:
    """All lines with a job's id, in the order of their times, are its story, and say who did what."""
    job = pixo.submit(picture(5000, 4000), "blur:sigma=2", wait=60).json()
    id_, total = job["id"], job["tiles"]["total"]
    log = pixo.data.parent / "up.log"

    def story() -> list[dict[str, Any]]:
        lines = [line for line in log.read_text().splitlines() if id_ in line]
        return sorted((json.loads(line) for line in lines), key=lambda line: str(line["time"]))

    def told_whole() -> bool:
        found = [line["event"] for line in story()]  # a worker tells of a tile after it has reported it
        return "job ended" in found and found.count("tile done") >= total

    until(told_whole, "the end and every tile are told")
    told = story()
    events = [line["event"] for line in told]
    assert total > 1
    assert [event for event in events if event != "tile done"] == [
        "job taken",
        "job started",
        "job joined",
        "job ended",
    ]
    tiles = [line for line in told if line["event"] == "tile done"]
    assert sorted(line["tile"] for line in tiles) == list(range(total))
    assert all({"job", "lane", "worker", "attempt", "ms", "role"} <= line.keys() for line in tiles)


def test_2_damaged_images(pixo: Installation, watcher: Prometheus) -> None:
    """An image that breaks off in its pixels dies: the share of failures is noticed; the letter is nobody's fault."""
    damaged = bytearray(picture(2048, 2048, "PNG"))
    middle = len(damaged) // 2
    damaged[middle : middle + 256] = bytes(256)
    assert pixo.submit(bytes(damaged), wait=60).json()["status"] == "failed"
    fires(watcher, "PixoTileErrorRatioHigh")
    assert "PixoDeadLetters" not in watcher.firing()


def test_2_records_that_are_none(pixo: Installation, watcher: Prometheus) -> None:
    """A message that nobody understands is put away, and that is noticed."""
    config = settings.load(pixo.environment("services.worker")).kafka
    with contextlib.closing(broker.open(config, "test")) as kafka:
        producer = kafka.producer()
        producer.settle([producer.send(topics.names(config).tasks, b"{", partition=0)])
    fires(watcher, "PixoDeadLetters")


def test_3_more_workers_than_partitions(pixo: Installation, watcher: Prometheus) -> None:
    """A third worker at two partitions is one too many, and its coming and going shares them out anew."""
    environ = pixo.environment("services.worker") | {"WORKER_ID": "third", "PIXO_METRICS_PORT": "0"}
    command = [sys.executable, "-P", "-m", "services.worker"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as third:
        try:
            fires(watcher, "PixoIdleWorkers", "PixoConsumerRebalancing")
        finally:
            third.send_signal(signal.SIGTERM)


def test_4_all_workers_are_killed(pixo: Installation, watcher: Prometheus) -> None:
    """Within 20 s both are shown as dead; what waits, and waits too long, is noticed by every rule that is about it."""
    with pixo.without("services.worker"):
        killed = time.monotonic()
        for _ in range(2):
            pixo.submit(SMALL)
        until(lambda: len(pixo.workers("dead")) == 2, "both shown as dead", patience=60)
        shown = time.monotonic() - killed
        until(lambda: pixo.submit(SMALL) and "PixoLagGrowing" in watcher.firing(), "more and more wait")
        fires(
            watcher,
            *("PixoWorkersStalled", "PixoTaskQueueTooOld", "PixoWorkerHeartbeatMissing", "PixoJobStuck"),
            *("PixoUnderscaled", "PixoMetricsAbsent"),
        )
        with pixo.redis() as state:
            job = next(iter(state.zrange("pixo:active", 0, 0))).decode()
            state.delete(f"pixo:job:{{{job}}}:out")
        fires(watcher, "PixoTilesUnaccounted")
        # 15 s without a heartbeat; the rest is this machine's other work.
        assert shown < 20.0, f"{shown:.1f} s"
    pixo.web.delete(f"/api/v1/jobs/{job}")
    whole(pixo, watcher)


def test_5_redis_is_full(pixo: Installation, watcher: Prometheus) -> None:
    """A Redis at its limit refuses what users send, and both are noticed."""
    with pixo.redis() as state:
        state.config_set("maxmemory", int(state.info("memory")["used_memory"] * 1.02))
        try:
            fires(watcher, "PixoRedisOutOfMemory")
        finally:
            state.config_set("maxmemory", 0)


def test_6_the_store_is_away(pixo: Installation, watcher: Prometheus) -> None:
    """Where the store's folder cannot be used, uploads fail: the store and the web role's budget are noticed."""
    store = pixo.data / "store"
    store.rename(pixo.data / "away")
    store.write_text("no folder")
    try:
        until(
            lambda: (
                pixo.submit(SMALL).status_code == 503
                and {"PixoStoreFailing", "PixoWebErrorBudgetBurnFast", "PixoWebErrorBudgetBurnSlow"} <= watcher.firing()
            ),
            "all fire",
        )
    finally:
        store.unlink()
        (pixo.data / "away").rename(store)
    whole(pixo, watcher)


@pytest.mark.parametrize(("word", "alert"), [("calfkit", "PixoKafkaDown"), ("valkey", "PixoRedisDown")])
def test_7_a_server_is_killed(pixo: Installation, watcher: Prometheus, word: str, alert: str) -> None:
    """The monitor misses Kafka, and Redis, and says which."""
    with pixo.without(word):
        fires(watcher, alert)
    whole(pixo, watcher)


def test_8_every_panel_has_shown_something(watcher: Prometheus) -> None:
    """Each line of each panel had a number at some time; those of a cluster's own series are at least understood."""
    end = time.time()
    silent = []
    for dashboard in ALL:
        for panel in dashboard.panels():
            for expression, _ in panel.lines:
                asked = expression.replace("NS", 'namespace=~".*"').replace("$__rate_interval", "20s")
                found = watcher.series(asked, end - 3600, end, STEP)
                if not found and not any(name in expression for name in CLUSTER_ONLY):
                    silent.append((dashboard.name, panel.title, asked))

    assert not silent


def test_9_series_are_few(watcher: Prometheus) -> None:
    """No role has 2,000 series, after all that."""
    for role in ("web", "worker", "results", "monitor"):
        count = watcher.value(f'max(count by (pod) ({{pod=~"{role}.*", namespace="{NAMESPACE}"}}))')
        assert count is not None
        assert 50 < count < 2000, (role, count)
