"""What the web role tells Prometheus about requests, around all routes."""

import time

from flask import Flask, Response, g, request

from pixo import metrics

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
USUAL = ("200", "500", "503")


def install(app: Flask) -> None:
    """Measure every request; the routes that there are by now start at zero, their errors too."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            metrics.http_request_duration.labels(method, rule.rule)
            for code in USUAL:
                metrics.http_requests.labels(method, rule.rule, code)
    app.before_request(_begin)
    app.after_request(_measure)
    app.teardown_request(lambda _: metrics.http_requests_in_flight.dec())


def refused(kind: str) -> None:
    """Count an upload that was not taken."""
    metrics.jobs_rejected.labels(kind if kind in metrics.REFUSALS else "other").inc()


def _begin() -> None:
    g.begun = time.monotonic()
    metrics.http_requests_in_flight.inc()


def _measure(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else NO_ROUTE
    # A client may call its method what it likes.
    method = request.method if request.method in METHODS else "other"
    metrics.http_requests.labels(method, route, str(response.status_code)).inc()
    # Asked to wait, a request says nothing about how fast the service is.
    if "wait" not in request.args:
        metrics.http_request_duration.labels(method, route).observe(time.monotonic() - g.begun)
    return response
