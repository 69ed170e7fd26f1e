"""The description of the API, held against what is answered."""

import json
import re
from importlib import resources

from werkzeug.exceptions import HTTPException


def document():
    """Give it."""
    return json.loads(resources.files("services.web").joinpath("openapi.json").read_text())


def template(rule):
    """Give the path of a route as OpenAPI writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def require(app, answer):
    """Fail unless the answer's status is among those of its operation; other addresses and methods have none."""
    request = answer.request
    try:
        rule, _ = app.url_map.bind("localhost").match(request.path, request.method, return_rule=True)
    except HTTPException:
        return
    described = document()["paths"].get(template(rule), {})
    operation = described.get("get" if request.method == "HEAD" else request.method.lower())
    if operation:
        named = operation["responses"]
        assert str(answer.status_code) in named, f"{request.method} {template(rule)}: {answer.status_code}"
