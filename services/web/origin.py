"""Pages of others: what a browser sends for them changes nothing here.

A form on any website can post to a server that its visitor reaches, one on their own machine for example; the browser
says so (Fetch Metadata, W3C), and programs that are no browsers say nothing.
"""

from flask import Flask, request

from pixo.errors import Refusal

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def install(app: Flask) -> None:
    """Refuse what changes something and comes from another site's page."""
    app.before_request(_check)


def _check() -> None:
    if request.method in CHANGING and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refusal("cross-site", "A page of another site asked your browser to send this.", measured="cross-site")
