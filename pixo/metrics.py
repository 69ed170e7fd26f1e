"""Every metric of Pixo and its name, each with the question that it answers.

Importing this registers nothing: ``expose(role)`` gives the registry with what that role measures, so that
no role reports zeros for things it does not do. Labels are bounded: no job, tile, file name or worker.
"""

from __future__ import annotations

from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from pixo import __version__

Role = Literal["web", "worker", "results", "monitor"]

_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_SIZES = tuple(float(4**n * 16_384) for n in range(9))  # 16 KiB to 1 GiB


def _counter(name: str, question: str, *labels: str) -> Counter:
    return Counter(name, question, labels, registry=None)


def _gauge(name: str, question: str, *labels: str) -> Gauge:
    return Gauge(name, question, labels, registry=None)


def _histogram(name: str, question: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, question, labels, buckets=buckets, registry=None)


# web: requests, errors, durations (alerting)
http_requests = _counter("pixo_http_requests_total", "Requests answered", "method", "route", "code")
http_request_duration = _histogram(
    "pixo_http_request_duration_seconds", "Time to answer a request", _FAST, "method", "route"
)
http_requests_in_flight = _gauge("pixo_http_requests_in_flight", "Requests being answered")
upload_bytes = _histogram("pixo_upload_bytes", "Size of accepted uploads", _SIZES)
jobs_submitted = _counter("pixo_jobs_submitted_total", "Jobs accepted", "operation")
jobs_rejected = _counter("pixo_jobs_rejected_total", "Uploads refused, by the refusal's kind", "reason")

# whoever hands tiles out (web the first, results the rest)
tasks_published = _counter("pixo_tasks_published_total", "Tile tasks given to Kafka")
produce_errors = _counter("pixo_kafka_produce_errors_total", "Records that Kafka did not take", "topic", "error")

# worker: tiles, their outcome and time (alerting); queue wait and busy time (autoscaling)
worker_tiles = _counter("pixo_worker_tiles_total", "Tiles that a worker took", "operation", "outcome")
worker_tile_duration = _histogram(
    "pixo_worker_tile_duration_seconds", "Time of a tile from task to stored piece", _FAST, "operation"
)
worker_tile_pixels = _counter("pixo_worker_tile_pixels_total", "Pixels of finished tiles")
worker_bytes = _counter("pixo_worker_bytes_total", "Bytes of sources read and pieces written", "direction")
task_queue_wait = _histogram("pixo_task_queue_wait_seconds", "Time that a task lay in Kafka, as workers see it", _FAST)
worker_busy = _counter("pixo_worker_busy_seconds_total", "Time with a tile in hand")
worker_inflight = _gauge("pixo_worker_inflight_tiles", "Tiles inside the worker")

# every consumer (is it joined, does it turn)
consumer_partitions = _gauge("pixo_kafka_consumer_assigned_partitions", "Partitions held", "topic")
consumer_rebalances = _counter("pixo_kafka_consumer_rebalances_total", "Assignments received", "topic")
consumer_last_poll = _gauge("pixo_kafka_consumer_last_poll_timestamp_seconds", "Unix time of the last poll", "topic")
consumer_commit_failures = _counter("pixo_kafka_consumer_commit_failures_total", "Offset commits that failed", "topic")
consumer_commit_duration = _histogram(
    "pixo_kafka_consumer_commit_duration_seconds", "Time of an offset commit", _FAST, "topic"
)
consumer_queue_bytes = _gauge("pixo_kafka_consumer_fetch_queue_bytes", "Bytes fetched and not yet polled", "topic")

# results: what users wait for
jobs_completed = _counter("pixo_jobs_completed_total", "Jobs that came to an end", "outcome")
job_duration = _histogram("pixo_job_duration_seconds", "Time from upload to end", _LONG)
stitch_duration = _histogram("pixo_results_stitch_duration_seconds", "Time to join the pieces", _FAST)
results_duplicates = _counter("pixo_results_duplicates_total", "Tiles reported more than once")
jobs_incomplete = _gauge("pixo_jobs_incomplete", "Jobs queued or in work")

# monitor: lag and age are told here, since a dead consumer tells nothing
heartbeats = _counter("pixo_heartbeats_total", "Heartbeats received", "role")
heartbeat_age = _gauge("pixo_heartbeat_age_seconds", "Age of the oldest last heartbeat of those that live")
workers = _gauge("pixo_workers", "Workers known", "state")
group_lag = _gauge("pixo_kafka_consumer_group_lag_messages", "Records not yet consumed", "group", "topic", "partition")
topic_partitions = _gauge("pixo_kafka_topic_partitions", "Partitions of a topic", "topic")
task_oldest_age = _gauge("pixo_task_oldest_age_seconds", "Age of the oldest task not yet consumed")
jobs_oldest_age = _gauge("pixo_jobs_oldest_unfinished_age_seconds", "Age of the oldest job not yet ended")
tiles = _gauge("pixo_tiles", "Tiles of the jobs at work, by where they are", "state")
tiles_unaccounted = _gauge(
    "pixo_tiles_unaccounted", "Tiles of the jobs at work that are nowhere: more than 0 is a fault"
)

TILE_OUTCOMES = ("ok", "error", "skipped_duplicate", "dead_lettered")
JOB_OUTCOMES = ("done", "failed", "cancelled")
TILE_STATES = ("todo", "out", "done")

_PRODUCING = (produce_errors,)
_CONSUMING = (
    consumer_partitions,
    consumer_rebalances,
    consumer_last_poll,
    consumer_commit_failures,
    consumer_commit_duration,
    consumer_queue_bytes,
)
_OF_ROLE: dict[Role, tuple[Counter | Gauge | Histogram, ...]] = {
    "web": (
        http_requests,
        http_request_duration,
        http_requests_in_flight,
        upload_bytes,
        jobs_submitted,
        jobs_rejected,
        tasks_published,
        *_PRODUCING,
    ),
    "worker": (
        worker_tiles,
        worker_tile_duration,
        worker_tile_pixels,
        worker_bytes,
        task_queue_wait,
        worker_busy,
        worker_inflight,
        *_PRODUCING,
        *_CONSUMING,
    ),
    "results": (
        jobs_completed,
        job_duration,
        stitch_duration,
        results_duplicates,
        jobs_incomplete,
        tasks_published,
        *_PRODUCING,
        *_CONSUMING,
    ),
    "monitor": (
        heartbeats,
        heartbeat_age,
        workers,
        group_lag,
        topic_partitions,
        task_oldest_age,
        jobs_oldest_age,
        tiles,
        tiles_unaccounted,
        *_CONSUMING,
    ),
}


def expose(role: Role, revision: str = "") -> CollectorRegistry:
    """Give a new registry with the role's metrics, ``pixo_build_info`` and those of the process."""
    registry = CollectorRegistry()
    for metric in _OF_ROLE[role]:
        registry.register(metric)
    build = Gauge("pixo_build_info", "Always 1", ["version", "revision", "role"], registry=registry)
    build.labels(__version__, revision, role).set(1)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    _start_at_zero(role)
    return registry


def operation(filters: str) -> str:
    """Give the bounded label for a chain's canonical text: its filter's name, ``chain`` for several."""
    # Commas part parameters too, but only a filter's own part has a colon or no value.
    names = [part.partition(":")[0] for part in filters.split(",") if "=" not in part or ":" in part]
    return names[0] or "none" if len(names) == 1 else "chain"


def _start_at_zero(role: Role) -> None:
    """Show known label values from the start, so that a first failure is a rise and not an appearance."""
    if role == "results":
        for outcome in JOB_OUTCOMES:
            jobs_completed.labels(outcome)
    if role == "monitor":
        for state in ("alive", "stale", "dead"):
            workers.labels(state)
        for state in TILE_STATES:
            tiles.labels(state)
    if role == "worker":
        for direction in ("in", "out"):
            worker_bytes.labels(direction)
