"""What a worker tells Prometheus, at the border of the work: the handler says what happened, in its own words."""

import time
from functools import lru_cache

from pixo import metrics
from pixo.broker import Record
from pixo.messages import TileTask

_operation = lru_cache(maxsize=1024)(metrics.operation)
_tiles = lru_cache(maxsize=1024)(metrics.worker_tiles.labels)
_duration = lru_cache(maxsize=1024)(metrics.worker_tile_duration.labels)


class Measures:
    """Counts tiles, their outcome, time and bytes."""

    def taken(self, record: Record) -> None:
        """Take note how long the task lay in Kafka."""
        if record.timestamp_ms > 0:
            metrics.task_queue_wait.observe(max(0.0, time.time() - record.timestamp_ms / 1000))

    def stored(self, task: TileTask, size: int, seconds: float) -> None:
        """Take note of a finished tile: bytes of its piece, time from begin to acknowledged."""
        plan = task.plan
        top, bottom = plan.box(task.tile)
        metrics.worker_tile_pixels.inc((bottom - top) * plan.width)
        metrics.worker_bytes.labels("out").inc(size)
        _duration(_operation(plan.chain)).observe(seconds)
        self.ended(task, "ok")

    def ended(self, task: TileTask, outcome: str) -> None:
        """Take note of how an attempt at a tile ended, one of ``metrics.TILE_OUTCOMES``."""
        _tiles(_operation(task.plan.chain), outcome).inc()
