"""The app: routes, errors and figures around the parts it is given."""

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry

from pixo import metrics
from pixo.health import Health
from services.web import patience, problems, readiness, tokens
from services.web.parts import Parts
from services.web.routes import catalogue, health, jobs_change, jobs_read, jobs_submit, page, results, tiles
from services.web.waits import Waits


def create_app(parts: Parts, registry: CollectorRegistry | None = None, checks: Health | None = None) -> Flask:
    """Give the app over ready parts; nothing is reached yet."""
    app = Flask("pixo", static_folder=None)
    places = Waits(parts)
    app.register_blueprint(jobs_submit.routes(parts, places))
    app.register_blueprint(jobs_read.routes(parts, places))
    app.register_blueprint(jobs_change.routes(parts))
    app.register_blueprint(results.routes(parts))
    app.register_blueprint(tiles.routes(parts))
    app.register_blueprint(catalogue.routes(parts))
    app.register_blueprint(health.routes(checks or readiness.health(parts), registry or metrics.expose("web")))
    app.register_blueprint(page.routes())
    problems.install(app)
    app.before_request(_begin)
    patience.install(app)
    tokens.install(app, parts.settings.web.api_tokens)
    app.after_request(_protect)
    app.after_request(_measure)
    app.teardown_request(lambda _: metrics.http_requests_in_flight.dec())
    return app


def _begin() -> None:
    g.begun = time.monotonic()
    metrics.http_requests_in_flight.inc()


def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _measure(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    metrics.http_requests.labels(request.method, route, str(response.status_code)).inc()
    # Asked to wait, a request says nothing about how fast the service is.
    if "wait" not in request.args:
        metrics.http_request_duration.labels(request.method, route).observe(time.monotonic() - g.begun)
    return response
