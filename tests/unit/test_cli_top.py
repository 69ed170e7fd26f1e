"""`pixo top`: what it makes of the API's documents, and how it draws."""

import io

from services.cli import glance
from services.cli.glance import Glance
from services.cli.screen import Screen

WORKER = {
    "id": "w-1",
    "state": "alive",
    "started": "2026-01-01T00:00:00.000Z",
    "seen": "2026-01-01T00:01:00.000Z",
    "partitions": [0, 2],
    "tiles": 100,
    "busy": 0.5,
    "rss": 120_000_000,
}
JOB = {
    "id": "j1",
    "status": "processing",
    "progress": 0.5,
    "tiles": {"done": 4, "total": 8},
    "width": 640,
    "height": 480,
    "filters": "blur",
    "filename": "a.jpg",
}
CLUSTER = {
    "jobs": {"active": 1, "waiting": 2, "listed": 3},
    "topics": [{"name": "tasks", "lag": {"10": 1, "9": 4}, "total_lag": 5}, {"name": "heartbeats"}],
}


def seen(*workers, jobs=()):
    """Give a look at these workers and jobs."""
    return Glance({"workers": list(workers), "cluster": CLUSTER, "jobs": list(jobs)}, {})


def test_speed_is_between_two_heartbeats():
    """Tiles a second come from the heartbeats' own times; without a new one the last speed stays."""
    later = WORKER | {"seen": "2026-01-01T00:01:05.000Z", "tiles": 120}

    assert glance.speeds(seen(WORKER), [later]) == {"w-1": 4.0}
    assert glance.speeds(seen(WORKER), [WORKER]) == {}
    assert glance.speeds(Glance(seen(WORKER).documents, {"w-1": 4.0}), [WORKER]) == {"w-1": 4.0}


def test_a_worker_that_began_anew_or_is_dead_has_no_speed():
    """A process of the same name that was started again counts from zero: no negative speed is shown."""
    anew = WORKER | {"started": "2026-01-01T00:01:01.000Z", "seen": "2026-01-01T00:01:05.000Z", "tiles": 1}

    assert glance.speeds(seen(WORKER), [anew]) == {}
    assert glance.speeds(seen(WORKER), [WORKER | {"state": "dead"}]) == {}


def test_lines_show_all_that_matters():
    """Jobs, lag by partition in order of numbers, each worker with its state, each job with its progress."""
    look = Glance(seen(WORKER, WORKER | {"id": "w-2", "state": "dead"}, jobs=[JOB]).documents, {"w-1": 4.0})
    text = "\n".join(glance.lines(look, "http://here", "12:00"))

    assert "1 at work, 2 waiting, 3 kept   4.0 tiles/s" in text
    assert "tasks lag 5 (4 1)" in text
    assert "w-2     dead" in text
    assert "4/8    ##########.........." in text


def test_nothing_there_is_said():
    """Without workers, jobs and monitor the screen says so."""
    look = Glance({"workers": [], "cluster": {"jobs": CLUSTER["jobs"]}, "jobs": []}, {})
    text = "\n".join(glance.lines(look, "http://here", ""))

    assert "no worker" in text
    assert "no job yet" in text
    assert "not seen by the monitor" in text


def test_the_terminal_is_given_back(monkeypatch):
    """Lines are cut at the edges, and the first page and the cursor come back at the end."""
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "2")
    stream = io.StringIO()
    with Screen(stream) as screen:
        screen.show(["0123456789ABC", "two", "three"])

    drawn = stream.getvalue()
    assert "0123456789\x1b[K\r\ntwo\x1b[K\x1b[J" in drawn
    assert drawn.endswith("\x1b[?25h\x1b[?1049l")
