"""The app: routes, errors and figures around the parts it is given."""

from flask import Flask, Response
from prometheus_client import CollectorRegistry

from pixo import metrics
from pixo.health import Health
from services.web import cors, measures, origin, patience, problems, queries, readiness, tokens
from services.web.parts import Parts
from services.web.routes import catalogue, health, jobs_change, jobs_read, jobs_submit, page, results, tiles
from services.web.waits import Waits


def create_app(parts: Parts, registry: CollectorRegistry | None = None, checks: Health | None = None) -> Flask:
    """Return the app over ready parts; nothing is reached yet."""
    app = Flask("pixo", static_folder=None)
    app.url_map.merge_slashes = False  # an id that is empty is a mistake, not another address
    places = Waits(parts)
    app.register_blueprint(jobs_submit.routes(parts, places))
    app.register_blueprint(jobs_read.routes(parts, places))
    app.register_blueprint(jobs_change.routes(parts))
    app.register_blueprint(results.routes(parts, places))
    app.register_blueprint(tiles.routes(parts))
    app.register_blueprint(catalogue.routes(parts))
    app.register_blueprint(health.routes(checks or readiness.health(parts)))
    app.register_blueprint(health.figures(registry or metrics.expose("web")))
    app.register_blueprint(page.routes())
    problems.install(app)
    measures.install(app)
    patience.install(app)  # first: what the next ones refuse is sent as well
    cors.install(app, parts.settings.web.origins)
    origin.install(app, parts.settings.web)
    tokens.install(app, parts.settings.web.tokens)
    queries.install(app)
    app.after_request(_protect)
    return app


def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
