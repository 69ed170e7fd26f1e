"""Pages of others: what a browser sends for them changes nothing here, and they read nothing.

A form on any website can post to a server that its visitor reaches, one on their own machine for example; the browser
says so (Fetch Metadata, W3C), and programs that are no browsers say nothing. It says nothing either where the website's
own name leads to this machine (DNS rebinding), for then the page and the API are one site to it; only the name tells.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request

from pixo.errors import Refusal
from pixo.settings import Web, variable

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def install(app: Flask, web: Web) -> None:
    """Refuse what changes something and comes from another site's page, and other names of a machine's own server.

    A server of one machine alone that asks for no token is its user's: only there names are looked at. Any other is
    reached by names that nobody here knows, of a load balancer for example, or asks for what no page of others has.
    """
    app.before_request(_check)
    if _loopback(web.host) and not web.tokens:
        app.before_request(_check_name)


def _check() -> None:
    if request.method in CHANGING and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refusal("cross-site", "A page of another site asked your browser to send this.", measured="cross-site")


def _check_name() -> None:
    given = request.headers.get("Host", "")
    if given and not _own(given):
        raise Refusal(
            "foreign-host",
            "This server is its machine's alone and asks for no token: it answers to localhost and to addresses only.",
            measured=given,
            setting=variable("api_tokens"),
        )


def _own(given: str) -> bool:
    """Tell whether the Host is an address or a name of this machine, which nobody else can give to theirs.

    Browsers do not say of a page of others that it is one when it asks the address that is none (0.0.0.0).
    """
    try:
        name = (urlsplit(f"//{given}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return (
        name == "localhost" or name.endswith(".localhost") or (_address(name) and not ip_address(name).is_unspecified)
    )


def _address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _loopback(host: str) -> bool:
    host = host.lower().rstrip(".")
    return host == "localhost" or (_address(host) and ip_address(host).is_loopback)
