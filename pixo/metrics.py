"""Every metric of Pixo and its name, each with the question that it answers.

Importing this registers nothing: ``expose(role)`` gives the registry with what that role measures, so that
no role reports zeros for things it does not do. Labels are bounded: no job, tile, file name or worker. A label's
values are declared beforehand wherever possible, and start at zero: a first failure is an increase, not a new series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Literal, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from pixo import __version__
from pixo.settings import Kafka
from pixo.topics import Topics, names

Role = Literal["web", "worker", "results", "monitor"]
ROLES: tuple[Role, ...] = ("web", "worker", "results", "monitor")

Metric = Counter | Gauge | Histogram
Values = Iterable[str] | Callable[[Role, Topics], Iterable[str]]
"""What a label can say, perhaps by role; nothing where that is known only when it is said."""

# When a series began is nothing that anybody asks, and would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_SIZES = tuple(float(4**n * 16_384) for n in range(9))  # 16 KiB to 1 GiB

TILE_OUTCOMES = ("ok", "error", "skipped_duplicate", "dead_lettered")
JOB_OUTCOMES = ("done", "failed", "cancelled")
JOB_SIZES = ("small", "bulk")
STAGES = ("read", "decode", "filter", "encode", "store", "publish")
PARTS = ("kafka", "redis", "store")
ASKED = ("kafka", "redis")
"""The parts that the monitor depends on."""
STORE_CALLS = ("put", "get", "size", "delete", "list", "read", "write", "ping")
TILE_STATES = ("todo", "out", "done")
WORKER_STATES = ("alive", "stale", "dead")
DEATHS = ("bad_record", "bad_image", "attempts")
REPAIRS = (
    # the reconciler's, then the sweep's, then those of the look for orphans
    *("publish", "occupy", "start", "join", "end"),
    *("restore", "erase", "enrol", "activate", "record", "trim", "expire", "empty"),
    *("list", "remove"),
)
REFUSALS = (
    *(
        "bad-chain",
        "bad-chunks",
        "bad-field",
        "bad-multipart",
        "bad-parameter",
        "broken-header",
        "cut-off-upload",
        "depth-not-kept",
    ),
    *("empty-file", "idempotency-key-reused", "no-image", "repeated-field", "slow-upload", "bad-aspect"),
    *("too-high", "too-large-for-format", "too-many-bytes", "too-many-filters", "too-many-frames", "too-many-pixels"),
    *("too-wide", "truncated-file", "unknown-field", "unknown-filter", "unknown-format", "unknown-parameter"),
    *("unsupported-depth", "unsupported-format", "unsupported-media-type", "too-many-waiting", "other"),
)

_known: dict[Metric, dict[str, Values]] = {}
M = TypeVar("M", bound=Metric)


def _counter(name: str, question: str, **labels: Values) -> Counter:
    return _note(Counter(name, question, tuple(labels), registry=None), labels)


def _gauge(name: str, question: str, **labels: Values) -> Gauge:
    return _note(Gauge(name, question, tuple(labels), registry=None), labels)


def _histogram(name: str, question: str, buckets: tuple[float, ...], **labels: Values) -> Histogram:
    return _note(Histogram(name, question, tuple(labels), buckets=buckets, registry=None), labels)


def _note(metric: M, labels: dict[str, Values]) -> M:
    _known[metric] = labels
    return metric


def _operations(*_: object) -> Iterable[str]:
    from pixo.imaging.filters import catalogue  # noqa: PLC0415 - only who works on chains has filters

    return ("none", *(each["name"] for each in catalogue()), "chain")


def _consumed(role: Role, topics: Topics) -> Iterable[str]:
    by_role = {"worker": topics.tasks, "results": topics.results, "monitor": topics.heartbeats}
    return [by_role[role]]


def _produced(role: Role, topics: Topics) -> Iterable[str]:
    own = {
        "web": [topics.tasks],
        "worker": [topics.results, topics.dead_letters],
        "results": [topics.tasks, topics.dead_letters],
    }
    return [*own.get(role, []), topics.heartbeats]


# web: requests, errors, durations (alerting)
http_requests = _counter("pixo_http_requests_total", "Requests answered", method=(), route=(), code=())
http_request_duration = _histogram(
    "pixo_http_request_duration_seconds",
    "Time to answer a request that did not ask to wait",
    _FAST,
    method=(),
    route=(),
)
http_requests_in_flight = _gauge("pixo_http_requests_in_flight", "Requests being answered")
upload_bytes = _histogram("pixo_upload_bytes", "Size of accepted uploads", _SIZES)
jobs_submitted = _counter("pixo_jobs_submitted_total", "Jobs accepted", operation=_operations)
jobs_rejected = _counter("pixo_jobs_rejected_total", "Uploads refused, by the refusal's kind", reason=REFUSALS)

# whoever starts and ends jobs (web and results): what users wait for
tasks_published = _counter("pixo_tasks_published_total", "Tile tasks given to Kafka")
jobs_completed = _counter("pixo_jobs_completed_total", "Jobs that ended", outcome=JOB_OUTCOMES)
job_duration = _histogram("pixo_job_duration_seconds", "Time from upload to end", _LONG, size=JOB_SIZES)

# worker: tiles, their outcome and time (alerting); queue wait and busy time (autoscaling)
worker_tiles = _counter(
    "pixo_worker_tiles_total", "Attempts at tiles, by how they ended", operation=_operations, outcome=TILE_OUTCOMES
)
worker_tile_duration = _histogram(
    "pixo_worker_tile_duration_seconds",
    "Time from taking a tile's task to its piece being stored",
    _FAST,
    operation=_operations,
)
worker_tile_pixels = _counter("pixo_worker_tile_pixels_total", "Pixels of finished tiles", operation=_operations)
worker_bytes = _counter(
    "pixo_worker_bytes_total", "Bytes of uploads opened (in) and of pieces written (out)", direction=("in", "out")
)
worker_stage_duration = _histogram(
    "pixo_worker_stage_duration_seconds",
    "Time of a tile's stages; read is copying the upload from a bucket, once per worker",
    _QUICK,
    stage=STAGES,
)
task_queue_wait = _histogram(
    "pixo_task_queue_wait_seconds", "Time that a task waited in Kafka, as seen by workers", _FAST
)
worker_busy = _counter("pixo_worker_busy_seconds_total", "Time spent on tiles")
worker_inflight = _gauge("pixo_worker_inflight_tiles", "Tiles inside the worker")
worker_breaker = _gauge("pixo_worker_breaker_open", "1: too many jobs failed in this worker, and it takes no more work")
worker_decoders_opened = _counter(
    "pixo_worker_decoders_opened_total", "Decoders opened; all other tiles found theirs already open"
)
dead_letters = _counter("pixo_dead_letters_total", "Records sent to the dead-letters topic", reason=DEATHS)

# every producer and consumer (is it joined, does it turn, what has Kafka not taken)
produce_duration = _histogram(
    "pixo_kafka_produce_duration_seconds", "Time from sending a record until Kafka has it", _QUICK, topic=_produced
)
produce_errors = _counter(
    "pixo_kafka_produce_errors_total",
    "Records that Kafka did not accept",
    topic=_produced,
    error=("TryAgain", "BadRecord"),
)
consumer_partitions = _gauge("pixo_kafka_consumer_assigned_partitions", "Partitions held", topic=_consumed)
consumer_rebalances = _counter("pixo_kafka_consumer_rebalances_total", "Assignments received", topic=_consumed)
consumer_last_poll = _gauge(
    "pixo_kafka_consumer_last_poll_timestamp_seconds", "Unix time of the last poll, once there was one", topic=()
)
consumer_records = _counter("pixo_kafka_consumer_records_total", "Records fully processed", topic=_consumed)
consumer_commits = _counter(
    "pixo_kafka_consumer_commits_total", "Offset commits", topic=_consumed, outcome=("ok", "failed")
)
consumer_queue_bytes = _gauge(
    "pixo_kafka_consumer_fetch_queue_bytes", "Bytes fetched but not yet polled", topic=_consumed
)
retries = _counter(
    "pixo_retries_total",
    "Steps of a record that were retried, by the part that was unreachable; tile: another tile was in the way",
    part=(*PARTS, "tile"),
)

# every role: what it stands on
redis_duration = _histogram(
    "pixo_redis_duration_seconds", "Time of a call to Redis, the client's own retries included", _QUICK
)
redis_errors = _counter("pixo_redis_errors_total", "Calls to Redis given up")
store_duration = _histogram("pixo_store_duration_seconds", "Time of a call to the store", _QUICK, call=STORE_CALLS)
store_errors = _counter("pixo_store_errors_total", "Calls to the store given up", call=STORE_CALLS)

# results alone: joining and healing
stitch_duration = _histogram("pixo_results_stitch_duration_seconds", "Time to join the pieces", _FAST)
results_duplicates = _counter("pixo_results_duplicates_total", "Tiles reported more than once")
results_repairs = _counter(
    "pixo_results_repairs_total",
    "Repairs by reconciler and sweep, of which undisturbed jobs need few",
    action=REPAIRS,
)

# monitor: lag, age and what waits are told here, since a dead consumer tells nothing
heartbeats = _counter("pixo_heartbeats_total", "Heartbeats received", role=ROLES)
heartbeat_age = _gauge(
    "pixo_heartbeat_age_seconds", "Time since the last heartbeat of the live worker that has been silent longest"
)
workers = _gauge("pixo_workers", "Workers known; dead ones are remembered for five minutes", state=WORKER_STATES)
group_lag = _gauge(
    "pixo_kafka_consumer_group_lag_messages", "Consumer lag: records not yet consumed", group=(), topic=(), partition=()
)
topic_partitions = _gauge("pixo_kafka_topic_partitions", "Partitions of a topic", topic=())
task_oldest_age = _gauge("pixo_task_oldest_age_seconds", "Age of the oldest task that is not consumed yet")
jobs = _gauge("pixo_jobs", "Jobs waiting for a slot, and jobs that have one", state=("waiting", "active"))
jobs_oldest_age = _gauge("pixo_jobs_oldest_unfinished_age_seconds", "Age of the oldest job that has not ended")
tiles = _gauge("pixo_tiles", "Tiles of active jobs, by where they are", state=TILE_STATES)
tiles_unaccounted = _gauge("pixo_tiles_unaccounted", "Tiles of active jobs that are nowhere: more than 0 is a bug")
lanes = _gauge("pixo_lanes", "Lanes with tiles out; tiles out divided by lanes is how full their windows are")
part_up = _gauge("pixo_part_up", "Whether the monitor can reach a part, 0 or 1; NaN: not tried yet", part=ASKED)
for _part in ASKED:
    part_up.labels(_part).set(math.nan)
redis_memory = _gauge(
    "pixo_redis_memory_bytes", "Memory of Redis, used and allowed; 0: unlimited or unknown", kind=("used", "max")
)

_PRODUCING: tuple[Metric, ...] = (produce_duration, produce_errors)
_CONSUMING: tuple[Metric, ...] = (
    consumer_partitions,
    consumer_rebalances,
    consumer_last_poll,
    consumer_records,
    consumer_commits,
    consumer_queue_bytes,
    retries,
)
_DISPATCHING: tuple[Metric, ...] = (tasks_published, jobs_completed, job_duration)
_REDIS: tuple[Metric, ...] = (redis_duration, redis_errors)
_STORE: tuple[Metric, ...] = (store_duration, store_errors)
OF_ROLE: dict[Role, tuple[Metric, ...]] = {
    "web": (
        http_requests,
        http_request_duration,
        http_requests_in_flight,
        upload_bytes,
        jobs_submitted,
        jobs_rejected,
        *_DISPATCHING,
        *_PRODUCING,
        *_REDIS,
        *_STORE,
    ),
    "worker": (
        worker_tiles,
        worker_tile_duration,
        worker_tile_pixels,
        worker_bytes,
        worker_stage_duration,
        task_queue_wait,
        worker_busy,
        worker_inflight,
        worker_breaker,
        worker_decoders_opened,
        dead_letters,
        *_PRODUCING,
        *_CONSUMING,
        *_REDIS,
        *_STORE,
    ),
    "results": (
        *_DISPATCHING,
        stitch_duration,
        results_duplicates,
        results_repairs,
        dead_letters,
        *_PRODUCING,
        *_CONSUMING,
        *_REDIS,
        *_STORE,
    ),
    "monitor": (
        heartbeats,
        heartbeat_age,
        workers,
        group_lag,
        topic_partitions,
        task_oldest_age,
        jobs,
        jobs_oldest_age,
        tiles,
        tiles_unaccounted,
        lanes,
        part_up,
        redis_memory,
        *_PRODUCING,
        *_CONSUMING,
        *_REDIS,
    ),
}
"""What each role measures; ``pixo_build_info`` and the figures of the process come on top."""


def expose(role: Role, topics: Topics | None = None) -> CollectorRegistry:
    """Return a new registry with the role's metrics, ``pixo_build_info`` and those of the process.

    ``topics`` are the installation's names, those without a prefix by default.
    """
    registry = CollectorRegistry()
    for metric in OF_ROLE[role]:
        registry.register(metric)
        _start_at_zero(metric, role, topics or names(Kafka()))
    build = Gauge("pixo_build_info", "Always 1", ["version", "role"], registry=registry)
    build.labels(__version__, role).set(1)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def labels(metric: Metric) -> dict[str, Values]:
    """Return the labels of a metric, with what they can say."""
    return _known[metric]


def operation(filters: str) -> str:
    """Return the bounded label for a chain's canonical text: its filter's name, ``chain`` for several."""
    return "chain" if "," in filters else filters.partition(":")[0]


def _start_at_zero(metric: Metric, role: Role, topics: Topics) -> None:
    """Show what the metric's labels can say."""
    values = [known(role, topics) if callable(known) else known for known in _known[metric].values()]
    for each in product(*values) if values else ():
        metric.labels(*each)
