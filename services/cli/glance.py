"""A snapshot of a running Pixo: its documents, the change since the last snapshot, and the lines that show it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from pixo.output import columns
from services.cli.api import Api, Document

JOBS = 12
BAR = 20


class Glance(NamedTuple):
    """What was seen; ``speeds`` are tiles a second of workers of whom two heartbeats are known."""

    documents: Document
    speeds: Mapping[str, float]


def take(server: Api, before: Glance | None = None) -> Glance:
    """Look; raise TryAgain when the server does not answer."""
    documents = {
        "workers": server.get("workers")["workers"],
        "cluster": server.get("cluster"),
        "jobs": server.get("jobs", limit=JOBS)["jobs"],
    }
    return Glance(documents, speeds(before, documents["workers"]) if before else {})


def speeds(before: Glance, workers: list[Document]) -> dict[str, float]:
    """Return tiles a second between the last two heartbeats of each worker, as far as they are known."""
    known = {worker["id"]: worker for worker in before.documents["workers"]}
    found = {}
    for worker in workers:
        last = known.get(worker["id"])
        if worker["state"] == "dead" or last is None or last["started"] != worker["started"]:
            continue
        seconds = (_time(worker["seen"]) - _time(last["seen"])).total_seconds()
        if seconds > 0:
            found[worker["id"]] = (worker["tiles"] - last["tiles"]) / seconds
        elif worker["id"] in before.speeds:
            found[worker["id"]] = before.speeds[worker["id"]]
    return found


def lines(look: Glance, url: str, note: str) -> list[str]:
    """Return the lines of a screen."""
    workers, cluster, jobs = (look.documents[name] for name in ("workers", "cluster", "jobs"))
    count = cluster["jobs"]
    speed = f"{sum(look.speeds.values()):.1f} tiles/s" if look.speeds else "- tiles/s"
    return [
        f"Pixo  {url}  {note}".rstrip(),
        f"jobs  {count['active']} active, {count['waiting']} waiting, {count['listed']} kept   {speed}",
        f"kafka {', '.join(_topics(cluster)) or 'not seen by the monitor'}",
        "",
        *columns(WORKER, [_worker(worker, look.speeds) for worker in workers]),
        *([] if workers else ["no workers: jobs wait until one starts"]),
        "",
        *columns(JOB, [_job(job) for job in jobs]),
        *([] if jobs else ["no jobs yet"]),
    ]


WORKER = ("WORKER", "STATE", "PARTITIONS", "TILES", "TILES/S", "BUSY", "MEMORY")
JOB = ("JOB", "STATUS", "TILES", "", "SIZE", "FILTERS", "FILE")


def _worker(worker: Document, speeds: Mapping[str, float]) -> list[str]:
    speed = speeds.get(worker["id"])
    return [
        worker["id"],
        worker["state"],
        ",".join(map(str, worker["partitions"])) or "-",
        str(worker["tiles"]),
        "-" if speed is None else f"{speed:.1f}",
        f"{worker['busy']:.0%}",
        f"{worker.get('rss', 0) / 1e6:.0f} MB",
    ]


def _job(job: Document) -> list[str]:
    done = round(job["progress"] * BAR)
    return [
        job["id"],
        job["status"],
        f"{job['tiles']['done']}/{job['tiles']['total']}",
        "#" * done + "." * (BAR - done),
        f"{job['width']}x{job['height']}" if job["width"] else "",
        job["filters"],
        job["filename"],
    ]


def _topics(cluster: Document) -> Iterator[str]:
    for topic in cluster.get("topics", []):
        if "lag" in topic:
            by = " ".join(str(topic["lag"][key]) for key in sorted(topic["lag"], key=int))
            yield f"{topic['name']} lag {topic['total_lag']} ({by})"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
