"""How long a connection may stand still: each request holds a thread."""

from flask import Flask, request

STILL = 30.0
"""Seconds without a byte, either way, after which a connection is given up."""


def install(app: Flask) -> None:
    """Give every request's socket the timeout; the server resets it between requests."""
    app.before_request(_bound)


def _bound() -> None:
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(STILL)
