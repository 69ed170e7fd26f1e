"""Probes and figures, on the port of the page too: alive, can take work, what is counted."""

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from pixo.health import Health, Report


def routes(health: Health) -> Blueprint:
    """Return the blueprint of the probes."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return _answer(health.live())

    @blueprint.get("/readyz")
    def readyz() -> Response:
        return _answer(health.ready())

    return blueprint


def figures(registry: CollectorRegistry) -> Blueprint:
    """Return the blueprint of the figures, which ask for a token as the API does where there are any."""
    blueprint = Blueprint("figures", __name__)

    @blueprint.get("/metrics")
    def read_figures() -> Response:
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=kind, headers={"Cache-Control": "no-store"})

    return blueprint


def _answer(report: Report) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(report.body(), 200 if report.ok else 503, headers, content_type="application/json")
