"""Logs: one event a fact, with fields, on stderr, as text for people or as JSON lines for machines.

``log = logs.logger(__name__)``, then ``log.event("tile done", job=..., tile=..., ms=...)``. It stands on the
standard library's logging, so that lines of libraries come out in the same form.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec

Format = Literal["text", "json"]


class Log:
    """A module's voice: each method takes what happened, in a few words that never change, and its fields."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, what: str, /, **fields: object) -> None:
        """Say what only someone who looks for a fault wants to know."""
        self._say(logging.DEBUG, what, None, fields)

    def event(self, what: str, /, **fields: object) -> None:
        """Say that something happened as it should."""
        self._say(logging.INFO, what, None, fields)

    def warning(self, what: str, /, **fields: object) -> None:
        """Say that something is wrong, and that Pixo copes."""
        self._say(logging.WARNING, what, None, fields)

    def error(self, what: str, /, cause: BaseException | None = None, **fields: object) -> None:
        """Say that work stands still or is lost; a cause comes with a traceback."""
        self._say(logging.ERROR, what, cause, fields)

    def _say(self, level: int, what: str, cause: BaseException | None, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", what, exc_info=cause, extra={"fields": fields})


class TextFormatter(logging.Formatter):
    """``08:15:30.123 info     tile done  job=k3v tile=7 ms=12``; the time is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, followed by its traceback if it has one."""
        fields = "".join(f" {name}={_plain(value)}" for name, value in _fields(record).items())
        time = _time(record).strftime("%H:%M:%S.%f")[:-3]
        line = f"{time} {record.levelname.lower():<8} {record.getMessage()}{' ' if fields else ''}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line; Pixo's own names (time, level, role, logger, event) win over fields."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, without an end of line in it."""
        line: dict[str, Any] = {
            **_fields(record),
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def logger(name: str) -> Log:
    """Return the log of a module, by its ``__name__``."""
    return Log(logging.getLogger(name))


def configure(format: Format, level: str, role: str, stream: TextIO | None = None) -> None:  # noqa: A002
    """Send this process's logs, Pixo's and the libraries', to the stream (stderr) from this level up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(role) if format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What libraries tell at "info" is not an event of Pixo: a line a request, a line a reconnect.
    for noisy in ("werkzeug", "httpx", "httpcore", "pyvips", "PIL"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _plain(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return repr(text) if text == "" or any(c.isspace() or c in "='\"" for c in text) else text
