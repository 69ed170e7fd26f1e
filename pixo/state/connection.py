"""How Redis or Valkey is reached, and what its failures are called: ``TryAgain("redis")``, always."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis has its own
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis has its own
    TryAgainError,
)
from redis.retry import Retry

from pixo import metrics
from pixo.errors import ConfigError, TryAgain
from pixo.settings import Redis as Settings

# redis-py types its commands for the plain and the asyncio client at once, which no caller can use. Replies are bytes.
Client = Any

# A connection that failed, or a server that is starting, full or a replica, or that was emptied between being given a
# script and being asked to run it: the same call may work later.
_PASSING = (
    ConnectionError,
    TimeoutError,
    ReadOnlyError,
    OutOfMemoryError,
    MasterDownError,
    ClusterDownError,
    TryAgainError,
    NoScriptError,
)
# Likewise, where the library has no class: cannot save, too few replicas, a script runs too long.
_PASSING_CODES = ("MISCONF", "NOREPLICAS", "BUSY ")


MOST = 1 << 16
"""Connections: as many as there are threads that need one, so that nobody is refused for want of one."""


def connect(settings: Settings, *, patient: bool, answer_s: float | None = None) -> Client:
    """Return a client; nothing is sent yet.

    A patient one tries for several seconds, which suits consumers (40 where connecting is not even refused); else it
    gives up after some two seconds, so that a web request can be refused. ``answer_s`` is the longest that an answer
    may take, for calls that block. All scripts may run twice, so trying again is safe. Raise ConfigError for an option
    in the URL that is none.
    """
    # A call and the connecting for it are tried as often each: the numbers multiply, and so do the timeouts.
    tries = 3 if patient else 1
    try:
        return Redis.from_url(
            settings.redis,
            **_security(settings),
            **({} if settings.redis.startswith("unix:") else {"socket_keepalive": True}),
            protocol=2,
            socket_timeout=answer_s or (5.0 if patient else 1.0),
            socket_connect_timeout=2.0 if patient else 0.5,
            health_check_interval=15,
            max_connections=MOST,
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), tries),
            retry_on_error=[ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError],
        )
    except ValueError as error:  # of an option behind the question mark
        raise ConfigError(f"PIXO_REDIS: {error}") from error


def _security(settings: Settings) -> dict[str, str]:
    """Return what is set; what the URL says goes first, with the library."""
    options = {
        "username": settings.redis_username,
        "password": settings.redis_password,
        "ssl_ca_certs": settings.redis_tls_ca,
        "ssl_certfile": settings.redis_tls_cert,
        "ssl_keyfile": settings.redis_tls_key,
    }
    return {name: value for name, value in options.items() if value}


@contextmanager
def reaching(*, waiting: bool = False) -> Iterator[None]:
    """Turn the library's errors that pass into TryAgain; others are mistakes of ours and go on.

    The time counts as the server's, unless the call is ``waiting`` for something to happen.
    """
    began = time.perf_counter()
    try:
        yield
    except _PASSING as error:
        metrics.redis_errors.inc()
        raise TryAgain("redis", f"Redis is out of reach: {error}") from error
    except ResponseError as error:
        if str(error).startswith(_PASSING_CODES):
            metrics.redis_errors.inc()
            raise TryAgain("redis", f"Redis takes no writes: {error}") from error
        raise
    finally:
        if not waiting:
            metrics.redis_duration.observe(time.perf_counter() - began)
