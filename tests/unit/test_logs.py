"""Logs: one line a fact, the same form for libraries."""

import io
import json
import logging

import pytest

from pixo import logs


@pytest.fixture
def out():
    """Give a stream for the logs; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)


def test_text_shows_event_and_fields(out):
    """A text line holds time, level, event and fields; values with blanks are quoted."""
    logs.configure("text", "info", "worker", out)
    logs.logger("pixo.x").event("tile done", job="k3v", tile=7, why="a b", share=0.5)

    line = out.getvalue()
    assert line.endswith("info     tile done  job=k3v tile=7 why='a b' share=0.500\n")


def test_json_is_one_object_a_line(out):
    """A JSON line holds role, level, event and fields, and a traceback stays on it."""
    logs.configure("json", "info", "results", out)
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        logs.logger("pixo.x").error("join failed", error, job="k3v", path=object)

    (line,) = out.getvalue().splitlines()
    record = json.loads(line)
    assert record["role"] == "results"
    assert record["level"] == "error"
    assert record["event"] == "join failed"
    assert record["job"] == "k3v"
    assert record["path"] == "<class 'object'>"
    assert "ZeroDivisionError" in record["traceback"]


def test_libraries_come_out_in_the_same_form(out):
    """A line logged through the standard library is a JSON line too."""
    logs.configure("json", "warning", "web", out)
    logging.getLogger("some.library").warning("%d left", 3)

    assert json.loads(out.getvalue())["event"] == "3 left"


def test_lower_levels_are_silent(out):
    """Nothing below the configured level is written."""
    logs.configure("text", "warning", "web", out)
    logs.logger("pixo.x").event("tile done")

    assert out.getvalue() == ""
