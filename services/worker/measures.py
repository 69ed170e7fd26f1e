"""What a worker tells Prometheus, at the border of the work: the handler says what happened, in its own words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from pixo import metrics
from pixo.broker import Record
from pixo.messages import TileTask

_operation = lru_cache(maxsize=1024)(metrics.operation)
_tiles = lru_cache(maxsize=1024)(metrics.worker_tiles.labels)
_duration = lru_cache(maxsize=1024)(metrics.worker_tile_duration.labels)
_pixels = lru_cache(maxsize=1024)(metrics.worker_tile_pixels.labels)
_stage = lru_cache(maxsize=64)(metrics.worker_stage_duration.labels)


class Measures:
    """Counts tiles, their outcome, time and bytes."""

    def taken(self, record: Record) -> None:
        """Take note how long the task lay in Kafka."""
        if record.timestamp_ms > 0:
            metrics.task_queue_wait.observe(max(0.0, time.time() - record.timestamp_ms / 1000))

    def opened(self, upload_bytes: int) -> None:
        """Take note of a decoder that was opened on an upload of this size."""
        metrics.worker_decoders_opened.inc()
        metrics.worker_bytes.labels("in").inc(upload_bytes)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as one of ``metrics.STAGES``."""
        began = time.perf_counter()
        yield
        self.passed(name, time.perf_counter() - began)

    def passed(self, stage: str, seconds: float) -> None:
        """Take note of a stage's time."""
        _stage(stage).observe(seconds)

    def stored(self, task: TileTask, size: int, seconds: float) -> None:
        """Take note of a finished tile: bytes of its piece, time from begin to acknowledged."""
        plan = task.plan
        top, bottom = plan.box(task.tile)
        operation = _operation(plan.chain)
        _pixels(operation).inc((bottom - top) * plan.width)
        metrics.worker_bytes.labels("out").inc(size)
        _duration(operation).observe(seconds)
        self.ended(task, "ok")

    def ended(self, task: TileTask, outcome: str) -> None:
        """Take note of how an attempt at a tile ended, one of ``metrics.TILE_OUTCOMES``."""
        _tiles(_operation(task.plan.chain), outcome).inc()
