"""Jobs, tiles and workers as the API shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pixo.imaging.plan import Plan
from pixo.state.records import Job, TileRecord, Worker

BASE = "/api/v1"
TILE_STATES = {"waiting": "waiting", "active": "processing", "done": "done", "dead": "failed"}


def job(job: Job) -> dict[str, Any]:
    """Return a job's document."""
    plan = job.plan
    return {
        "id": job.id,
        "status": job.status,
        "filename": job.filename,
        "format": plan.output.format if plan else None,
        "width": plan.width if plan else None,
        "height": plan.height if plan else None,
        "filters": job.filters,
        "tiles": {"total": job.total, "done": job.done, "failed": 0 if job.dead is None else 1},
        "progress": progress(job),
        "created": moment(job.created),
        "started": moment(job.started),
        "finished": moment(job.finished),
        "expires": moment(job.expires),
        "error": job.error or None,
        "source": {"format": plan.source if plan else None, "size": job.bytes},
        "result": {"size": job.size, "sha256": job.sha256} if job.sha256 else None,
        "links": links(job),
    }


def links(job: Job) -> dict[str, str]:
    """Return the addresses of what a job has."""
    self = f"{BASE}/jobs/{job.id}"
    return {
        "self": self,
        "result": f"{self}/result",
        "source": f"{self}/source",
        "preview": f"{self}/preview",
        "tiles": f"{self}/tiles",
        "events": f"{self}/events",
        "cancel": f"{self}/cancel",
        "retry": f"{self}/retry",
    }


def progress(job: Job) -> float:
    """Return the share of the tiles that are finished; 1 only when the image is there."""
    if job.status in ("done", "expired"):
        return 1.0
    # Joining is quick, but not over: the last hundredth is its.
    return round(0.99 * job.done / job.total, 4) if job.total else 0.0


def tile(plan: Plan, record: TileRecord, job: str) -> dict[str, Any]:
    """Return a tile's document."""
    top, bottom = plan.box(record.tile)
    return {
        "tile": record.tile,
        "box": {"left": 0, "top": top, "width": plan.width, "height": bottom - top},
        "state": TILE_STATES[record.state],
        "worker": record.worker or None,
        "attempts": record.attempts,
        "ms": record.ms if record.state == "done" else None,
        "error": record.reason or None,
        "links": {"image": f"{BASE}/jobs/{job}/tiles/{record.tile}"} if record.state == "done" else {},
    }


def workers(found: Sequence[Worker], now: float) -> list[dict[str, Any]]:
    """Return the documents of processes, with their state by the unix time."""
    return [
        {
            "id": worker.id,
            "role": worker.role,
            "state": worker.state(now),
            "host": worker.host,
            "version": worker.version,
            "started": moment(worker.started),
            "seen": moment(worker.seen),
            "partitions": sorted(worker.partitions),
            "tiles": worker.tiles,
            "busy": round(worker.busy, 3),
            "rss": worker.rss,
            "cpu": worker.cpu,
        }
        for worker in found
    ]


def moment(seconds: float | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the millisecond."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
