"""Who may call: anyone, or whoever sends one of the tokens in ``PIXO_API_TOKENS``."""

from collections.abc import Collection
from hmac import compare_digest

from flask import Flask, request

from pixo.errors import Refusal

FREE = frozenset({"page", "health"})
"""Blueprints that never ask: the page has no data of its own, probes have no token."""


def install(app: Flask, tokens: Collection[str]) -> None:
    """Ask every API call for one of the tokens if there are any."""
    wanted = [token.encode() for token in tokens]
    if wanted:
        app.before_request(lambda: _check(wanted))


def _check(tokens: Collection[bytes]) -> None:
    if request.blueprint in FREE or (request.blueprint is None and not request.path.startswith("/api/")):
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # All of them, so that the time says nothing about which one comes near.
    matches = [compare_digest(given.strip().encode(), token) for token in tokens]
    if scheme.lower() != "bearer" or not any(matches):
        raise Refusal("no-token", "The header `Authorization: Bearer` with a valid token is required.")
