"""`pixo top`: what it makes of the API's documents, and how it draws."""

import io
import socket
from types import SimpleNamespace

import pytest

from pixo.errors import TryAgain
from services.cli import glance, top
from services.cli.__main__ import main
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

    assert "1 active, 2 waiting, 3 kept   4.0 tiles/s" in text
    assert "tasks lag 5 (4 1)" in text
    assert "w-2     dead" in text
    assert "4/8    ##########.........." in text


def test_nothing_there_is_said():
    """Without workers, jobs and monitor the screen says so."""
    look = Glance({"workers": [], "cluster": {"jobs": CLUSTER["jobs"]}, "jobs": []}, {})
    text = "\n".join(glance.lines(look, "http://here", ""))

    assert "no worker" in text
    assert "no jobs yet" in text
    assert "not seen by the monitor" in text


def test_old_figures_are_said_to_be_old(monkeypatch, capsys):
    """While the server is away they stay, with the time that they are of; when it is back, so is the time."""
    away = TryAgain("web", "nobody there")
    answers = iter([away, away, seen(), KeyboardInterrupt])
    times = iter(["12:00:00", "12:00:09"])

    def take(*_):
        answer = next(answers)
        if isinstance(answer, Glance):
            return answer
        raise answer

    monkeypatch.setattr(top.glance, "take", take)
    monkeypatch.setattr(top, "_now", lambda: next(times))
    monkeypatch.setattr(top.time, "sleep", lambda _: None)
    monkeypatch.setenv("COLUMNS", "100")
    server = SimpleNamespace(url=lambda _: "http://here")
    with pytest.raises(KeyboardInterrupt):
        top._watch(server, seen(), 1.0)

    drawn = [line.removesuffix("\x1b[K") for line in capsys.readouterr().out.split("\r\n") if "http://here" in line]
    old = "Pixo  http://here  as of 12:00:00, no answer since: nobody there"
    heads = [line[line.index("Pixo") :] for line in drawn]
    assert heads == ["Pixo  http://here  12:00:00", old, old, "Pixo  http://here  12:00:09"]


def test_a_server_that_is_silent_is_not_waited_for_long(monkeypatch, capsys):
    """One that takes connections and answers nothing is away, too."""
    monkeypatch.setattr(top, "PATIENCE", 0.0)
    monkeypatch.setattr(top, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert main(["top", "--once", "--server", f"http://127.0.0.1:{silent.getsockname()[1]}"]) == 1
    assert "cannot reach" in capsys.readouterr().err


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
