"""Traces as OpenTelemetry's SDK sends them: OTLP over HTTP, in batches, from a thread of its own.

Nothing waits for the receiver: where it is away, spans are dropped once 2,048 of them wait. The SDK's own variables
(``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_RESOURCE_ATTRIBUTES`` and so on) count as well.
"""

import atexit
import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pixo import __version__
from pixo.state.records import End, Job
from pixo.tracing import NOTHING, Fact, Headers
from pixo.tracing import Span as AnySpan

PATIENCE = 2
"""Seconds that the receiver has to take a batch, and after which a process that ends begins to send no other."""
NS = 1e9

_w3c = TraceContextTextMapPropagator()


class Tracer:
    """Sends the spans of this share of all jobs, the same ones in every role, to a receiver's URL."""

    def __init__(self, url: str, share: float, role: str, id: str) -> None:
        # That the receiver is away is said once by its own library and then again and again.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        about = {"service.name": f"pixo-{role}", "service.instance.id": id, "service.version": __version__}
        self._ids = _Ids()
        provider = TracerProvider(
            sampler=ALWAYS_ON, id_generator=self._ids, resource=Resource.create(about), shutdown_on_exit=False
        )
        exporter = _Exporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=PATIENCE)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        atexit.register(provider.shutdown)
        atexit.register(exporter.hurry)  # called first
        self._tracer = provider.get_tracer("pixo", __version__)
        self._share = share

    def begin(self, name: str, job: str, parent: Headers | None, link: str, facts: Mapping[str, Fact]) -> AnySpan:
        """Begin a span; see ``tracing.begin``."""
        root = self._root(job)
        if root is None:
            return NOTHING
        given = _read(parent)
        context = given if given and given.trace_id == root.trace_id else root
        client = _read({"traceparent": link.encode()}) if link else None
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(NonRecordingSpan(context), Context()),
            kind=SpanKind.CONSUMER if parent else SpanKind.INTERNAL,
            attributes=_named({"job": job, **facts}),
            links=[Link(client)] if client else None,
        )
        return Span(span)

    def headers(self, job: str) -> Headers | None:
        """Return the job's root as headers; None for a job that is not traced."""
        root = self._root(job)
        return None if root is None else _write(root)

    def ended(self, job: Job, end: End) -> None:
        """Tell the root span."""
        root = self._root(job.id)
        if root is None:
            return
        facts: dict[str, Fact] = {
            "job": job.id, "status": end.status, "filters": job.filters, "tiles": job.total, "bytes": job.bytes,
        }  # fmt: skip
        self._ids.given.root = root
        span = self._tracer.start_span(
            "job", Context(), kind=SpanKind.SERVER, attributes=_named(facts), start_time=int(job.created * NS)
        )
        if end.status == "failed":
            span.set_status(StatusCode.ERROR, end.error)
        span.end(int(end.finished * NS))

    def _root(self, job: str) -> SpanContext | None:
        digest = sha256(job.encode()).digest()
        if int.from_bytes(digest[24:]) >= self._share * 2**64:
            return None
        return SpanContext(
            int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]), is_remote=True, trace_flags=TraceFlags(1)
        )


class Span:
    """A span of the SDK's."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def headers(self) -> Headers | None:
        """Return this span as headers."""
        return _write(self._span.get_span_context())

    def event(self, name: str) -> None:
        """Note that the work has come so far."""
        self._span.add_event(name)

    def end(self, error: BaseException | None = None, **facts: Fact) -> None:
        """Tell the span."""
        self._span.set_attributes(_named(facts))
        if error is not None:
            self._span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        self._span.end()


class _Exporter(OTLPSpanExporter):  # type: ignore[misc]  # an extra, seldom there
    """The exporter, which can be told that there is little time left: by itself it sends all that waits."""

    _until = math.inf

    def hurry(self) -> None:
        self._until = time.monotonic() + PATIENCE

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export(spans) if time.monotonic() < self._until else SpanExportResult.FAILURE


class _Ids(RandomIdGenerator):  # type: ignore[misc]  # an extra, seldom there
    """Ids at random, but for a root span, which has its job's."""

    def __init__(self) -> None:
        self.given = threading.local()

    def generate_trace_id(self) -> int:
        root: SpanContext | None = getattr(self.given, "root", None)
        return int(super().generate_trace_id() if root is None else root.trace_id)

    def generate_span_id(self) -> int:
        root: SpanContext | None = self.given.__dict__.pop("root", None)
        return int(super().generate_span_id() if root is None else root.span_id)


def _named(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"pixo.{name}": value for name, value in facts.items()}


def _read(headers: Headers | None) -> SpanContext | None:
    carrier = {name: value.decode("latin-1") for name, value in (headers or {}).items()}
    found = trace.get_current_span(_w3c.extract(carrier, Context())).get_span_context()
    return found if found.is_valid else None


def _write(context: SpanContext) -> dict[str, bytes]:
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(NonRecordingSpan(context), Context()))
    return {name: value.encode() for name, value in carrier.items()}
