"""Protection from other sites' pages: what a browser sends on their behalf changes nothing, and they read nothing.

Pages of the origins that the operator allows are no others.

A form on any website can post to a server that its visitor reaches, one on their own machine for example; the browser
says so (Fetch Metadata, W3C), and programs that are no browsers say nothing. It says nothing either where the website's
own name leads to this machine (DNS rebinding), for then the page and the API are one site to it; only the name tells.
"""

import socket
from collections.abc import Collection
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request

from pixo.errors import Refusal
from pixo.settings import Web, variable
from services.web import cors

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def install(app: Flask, web: Web) -> None:
    """Refuse what changes something and comes from another site's page, and other names of a machine's own server.

    A server of one machine alone that asks for no token is its user's: only there names are looked at. Any other is
    reached by names that nobody here knows, of a load balancer for example, or asks for what no page of others has.
    """
    app.before_request(partial(_check, web.origins))
    if _loopback(web.host) and not web.tokens:
        app.before_request(partial(_check_name, web.host))


def _check(origins: Collection[str]) -> None:
    if request.method not in CHANGING or request.headers.get("Sec-Fetch-Site") != "cross-site" or cors.named(origins):
        return
    raise Refusal(
        "cross-site",
        "Cross-site request: a page of another site had your browser send it.",
        measured=request.headers.get("Origin", "cross-site"),
        setting=variable("allowed_origins"),
    )


def _check_name(host: str) -> None:
    given = request.headers.get("Host", "")
    if given and not _own(given, host):
        raise Refusal(
            "foreign-host",
            f"This server listens on this machine only and requires no token, so it answers to {host}, localhost and IP"
            " addresses only.",
            measured=given,
            setting=variable("api_tokens"),
        )


def _own(given: str, host: str) -> bool:
    """Return whether the Host is an address or a name of this machine, which nobody else can give to theirs.

    So is the name that its user has it listen at. Browsers do not say of a page of others that it is one when it asks
    the address that is none (0.0.0.0), or one of IPv4 written as IPv6 (::ffff:0:0).
    """
    try:
        name = _plain(urlsplit(f"//{given}").hostname or "")
    except ValueError:
        return False
    return name in {"localhost", _plain(host)} or name.endswith(".localhost") or _address(name)


def _address(name: str) -> bool:
    """Return whether the name is an address of which browsers say who asks it."""
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return not address.is_unspecified and getattr(address, "ipv4_mapped", None) is None


def _loopback(host: str) -> bool:
    """Return whether a server at the host hears this machine alone: it listens where the resolver says (``127.1``)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.getaddrinfo(_plain(host), None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # nor can anybody listen there
        return False
    address = ip_address(str(found[0][4][0]))
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
