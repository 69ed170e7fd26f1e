"""One trace a job, from its upload to its final, where ``PIXO_TRACES`` asks for it; otherwise nothing at no cost.

The trace and its root span are named after the job: whoever works for it knows them, also after a crash, and no state
has to carry them. Which work a record follows from travels with it, as the W3C header ``traceparent``.
"""

from collections.abc import Mapping
from typing import Protocol

from pixo.errors import ConfigError
from pixo.settings import Process
from pixo.state.records import End, Job

Headers = Mapping[str, bytes]
Fact = str | int | float


class Span(Protocol):
    """A stretch of work for a job. One that is never ended is never told."""

    @property
    def headers(self) -> Headers | None:
        """What a record carries that follows from this work."""

    def event(self, name: str) -> None:
        """Note that the work has come so far."""

    def end(self, error: BaseException | None = None, **facts: Fact) -> None:
        """Tell the span."""


class Tracer(Protocol):
    """Where spans go. ``pixo.otlp`` has the one that there is."""

    def begin(self, name: str, job: str, parent: Headers | None, link: str, facts: Mapping[str, Fact]) -> Span:
        """Begin a span."""

    def headers(self, job: str) -> Headers | None:
        """Return what a record carries that follows from nothing but the job."""

    def ended(self, job: Job, end: End) -> None:
        """Tell the root span."""


class _Nothing:
    """A span that is not told."""

    headers = None

    def event(self, name: str) -> None:
        """Note nothing."""

    def end(self, error: BaseException | None = None, **facts: Fact) -> None:
        """Tell nothing."""


NOTHING: Span = _Nothing()
_tracer: Tracer | None = None


def configure(settings: Process, role: str, id: str) -> None:
    """Trace from now on, if the settings say so; raise ConfigError where the packages for it are missing."""
    global _tracer  # noqa: PLW0603 - like the log: one a process, from its start on
    if not settings.traces:
        _tracer = None
        return
    try:
        from pixo import otlp  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ConfigError(f"PIXO_TRACES={settings.traces!r} needs the packages of pixo[otel]: {error}") from error
    _tracer = otlp.Tracer(settings.traces, settings.traces_share, role, id)


def begin(name: str, job: str, *, parent: Headers | None = None, link: str = "", **facts: Fact) -> Span:
    """Begin a span under what the record's headers name, or the job's root; ``link`` is a client's own context."""
    return _tracer.begin(name, job, parent, link, facts) if _tracer else NOTHING


def headers(job: str) -> Headers | None:
    """Return the headers of a record that follows from nothing but the job."""
    return _tracer.headers(job) if _tracer else None


def ended(job: Job, end: End) -> None:
    """Tell the whole job, from its upload to its end. Called once for each end."""
    if _tracer:
        _tracer.ended(job, end)
