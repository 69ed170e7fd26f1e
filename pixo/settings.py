"""Every setting of every role: ``PIXO_*`` variables, read here and nowhere else into frozen records.

A field ``max_pixels`` is the variable ``PIXO_MAX_PIXELS``; the group it stands in is for the code's sake only.
"""

import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from pixo import injection
from pixo.errors import ConfigError
from pixo.imaging.limits import Limits

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=1e9)]
"""Up to 31 years: Redis keeps times as whole milliseconds, and ``inf`` is none."""


ORIGIN = re.compile(r"\*|(?!https:.*:443$|http:.*:80$)https?://[^/?#@*\sA-Z]+")
"""As browsers write one: in small letters, without the scheme's own port."""
HINT = "write a user or password URL-encoded, or in PIXO_REDIS_USERNAME and PIXO_REDIS_PASSWORD"
"""What an error of a URL says, of which it shows nothing that may be a password."""


class Kafka(Struct, frozen=True, kw_only=True):
    """How Kafka is reached, and how its topics are partitioned."""

    kafka: Annotated[str, Meta(min_length=1, description="bootstrap servers, `host:port`, separated by commas")] = (
        "localhost:9092"
    )
    kafka_profile: Annotated[
        Literal["apache", "embedded"], Meta(description="`embedded` for the broker that `pixo up` starts")
    ] = "apache"
    kafka_bells: Annotated[
        str,
        Meta(description="folder in which processes of one machine tell each other of new records; `pixo up` sets it"),
    ] = ""
    kafka_group_protocol: Annotated[
        Literal["classic", "consumer"], Meta(description="consumer group protocol; `consumer` is KIP-848")
    ] = "classic"
    topic_prefix: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9._-]{0,200}$",
            description="prefix of every topic and group name, so that several installations can share a Kafka",
        ),
    ] = ""
    tasks_partitions: Annotated[
        Count, Meta(description="partitions of `tasks`: the number of workers that can work at once")
    ] = 4
    max_tasks_partitions: Annotated[
        int,
        Meta(
            ge=0,
            description="with more workers than partitions, the monitor adds partitions up to this number; 0: never",
        ),
    ] = 0
    results_partitions: Annotated[Count, Meta(description="partitions of `results`")] = 4
    replication: Annotated[Count, Meta(description="replication factor of the topics")] = 1
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`"),
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(description="`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; used with the `SASL_` protocols"),
    ] = "SCRAM-SHA-512"
    kafka_sasl_username: Annotated[str, Meta(description="user name for the `SASL_` protocols")] = ""
    kafka_sasl_password: Annotated[str, Meta(description="password for the `SASL_` protocols")] = ""
    kafka_tls_ca: Annotated[
        str,
        Meta(description="PEM file of the authorities that sign the brokers' certificates; empty: the system's"),
    ] = ""
    kafka_tls_cert: Annotated[str, Meta(description="PEM file of the client's own certificate, for mutual TLS")] = ""
    kafka_tls_key: Annotated[str, Meta(description="PEM file of that certificate's key, unencrypted")] = ""

    def __post_init__(self) -> None:
        """Refuse what does not go together, rather than connect less securely than was meant."""
        if self.kafka_bells and self.kafka_profile != "embedded":
            raise ValueError("PIXO_KAFKA_BELLS needs PIXO_KAFKA_PROFILE=embedded: Apache Kafka wakes consumers itself")
        names = ("kafka_sasl_username", "kafka_sasl_password")
        sasl = [name for name in names if getattr(self, name)]
        if self.kafka_security_protocol.startswith("SASL_"):
            if len(sasl) < len(names):
                raise ValueError(f"{self.kafka_security_protocol} needs {_variables(names)}")
        elif sasl:
            raise ValueError(f"{_variables(sasl)} needs PIXO_KAFKA_SECURITY_PROTOCOL to be SASL_SSL or SASL_PLAINTEXT")
        _check_tls(
            self,
            "kafka_tls_",
            secure=self.kafka_security_protocol.endswith("SSL"),
            how="PIXO_KAFKA_SECURITY_PROTOCOL to be SSL or SASL_SSL",
        )


class Redis(Struct, frozen=True, kw_only=True):
    """How Redis or Valkey is reached."""

    redis: Annotated[str, Meta(pattern="^(rediss?|unix)://", description="URL of Redis or Valkey")] = (
        "redis://localhost:6379/0"
    )
    redis_username: Annotated[str, Meta(description="user name, unless the URL has one")] = ""
    redis_password: Annotated[str, Meta(description="password, not URL-encoded, unless the URL has one")] = ""
    redis_tls_ca: Annotated[
        str,
        Meta(description="PEM file of the server's certificate authorities, for `rediss://`; empty: the system's"),
    ] = ""
    redis_tls_cert: Annotated[str, Meta(description="PEM file of the client's own certificate, for mutual TLS")] = ""
    redis_tls_key: Annotated[str, Meta(description="PEM file of that certificate's key, unencrypted")] = ""

    def __post_init__(self) -> None:
        """Refuse a broken URL, and what does not go together, rather than connect elsewhere or less securely."""
        try:
            url = urlsplit(self.redis)
            _ = url.port, (url.hostname or "").encode("idna")  # as whoever connects will ask for it
        except ValueError as error:
            # What is wrong may be a piece of a password.
            reason = f"this is no URL; {HINT}" if "@" in self.redis else error
            raise ValueError(f"PIXO_REDIS={_masked(self.redis)!r}: {reason}") from error
        database = url.path.strip("/")
        if url.scheme != "unix" and "@" in database:
            raise ValueError(f"PIXO_REDIS={_masked(self.redis)!r}: it has a slash before the host; {HINT}")
        if url.scheme != "unix" and database and not database.isdecimal():
            # The client would pass over it and take database 0.
            raise ValueError(f"PIXO_REDIS={_masked(self.redis)!r}: the database {database!r} is not a number")
        _check_tls(
            self, "redis_tls_", secure=self.redis.startswith("rediss:"), how="PIXO_REDIS to begin with rediss://"
        )


class Store(Struct, frozen=True, kw_only=True):
    """Where the bytes of images are stored."""

    store: Annotated[str, Meta(pattern="^[a-z0-9]+://", description="`file:///folder` or `s3://bucket/prefix`")] = (
        "file:///var/lib/pixo"
    )
    store_endpoint: Annotated[str, Meta(description="URL of an S3-compatible server other than Amazon's")] = ""
    store_region: Annotated[str, Meta(description="region of the bucket")] = "us-east-1"
    store_access_key: Annotated[str, Meta(description="access key of the bucket")] = ""
    store_secret_key: Annotated[str, Meta(description="secret key of the bucket")] = ""
    store_tls_ca: Annotated[
        str, Meta(description="PEM file of authorities trusted for the store's certificate, besides the system's")
    ] = ""

    def __post_init__(self) -> None:
        """Refuse what does not go together, rather than connect less securely than was meant."""
        unencrypted = self.store_endpoint.startswith("http:") or self.store.startswith("file:")
        _check_tls(self, "store_tls_", secure=not unencrypted, how="a store that is reached by https")


class Web(Struct, frozen=True, kw_only=True):
    """How the page and the API are served."""

    host: Annotated[
        str,
        Meta(
            description="address that the page and the API listen on; on a loopback address without tokens, "
            "only requests that name it, `localhost` or an IP address as the host are answered"
        ),
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="port of the page and the API")] = 5001
    web_threads: Annotated[
        Count,
        Meta(
            description="requests served at once; three quarters of them may wait for a job's end, "
            "half of these by listening to its events"
        ),
    ] = 64
    max_upload_bytes: Annotated[Count, Meta(description="largest upload, in bytes")] = 1 << 30
    api_tokens: Annotated[
        str,
        Meta(
            description="API tokens, separated by commas; when set, calls need `Authorization: Bearer` with one of them"
        ),
    ] = ""
    allowed_origins: Annotated[
        str,
        Meta(
            description="websites whose pages may call the API, separated by commas, such as `https://example.com`; "
            "`*`: those of all (CORS)"
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse tokens that no client can send, a list of none, which would let everybody in, and wrong origins."""
        if not all(token.isascii() and token.isprintable() for token in self.tokens):
            raise ValueError("PIXO_API_TOKENS has characters that no client can send: tokens must be plain ASCII")
        if self.api_tokens and not self.tokens:
            raise ValueError("PIXO_API_TOKENS is set but holds no token")
        for origin in self.origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"PIXO_ALLOWED_ORIGINS: {origin!r} is no origin; write it as browsers do: https://example.com, in "
                    "small letters, with no path and no port that is the scheme's own"
                )

    @property
    def tokens(self) -> list[str]:
        """The tokens that let somebody in, none where everybody may."""
        return _listed(self.api_tokens)

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may call the API."""
        return frozenset(_listed(self.allowed_origins))


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]  # files end with a newline


class Work(Struct, frozen=True, kw_only=True):
    """How jobs are cut, handed out and kept."""

    tile_size: Annotated[
        int, Meta(ge=16, le=65536, description="a tile has at least as many pixels as a square with this side")
    ] = 512
    tile_timeout: Annotated[Seconds, Meta(description="seconds that a tile may take; past that, its worker exits")] = (
        120.0
    )
    window: Annotated[int, Meta(ge=2, description="most tiles of a job that one partition of Kafka holds at once")] = 8
    max_waiting: Annotated[
        Count, Meta(description="most jobs waiting for their turn; further uploads get 429 with a time to retry")
    ] = 2000
    result_ttl: Annotated[Seconds, Meta(description="seconds for which a finished job and its images are kept")] = (
        86_400.0
    )
    cache: Annotated[
        str,
        Meta(description="folder for a worker's fetched and decoded sources; empty: the system's temporary folder"),
    ] = ""


class Process(Struct, frozen=True, kw_only=True):
    """What every process has."""

    metrics_port: Annotated[
        Port, Meta(description="port of `/healthz`, `/readyz` and `/metrics`; 0: any free port")
    ] = 9090
    metrics_host: Annotated[str, Meta(description="address that the metrics port listens on")] = "127.0.0.1"
    log_format: Annotated[Literal["text", "json"], Meta(description="format of the log lines")] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="lowest level that is logged")
    ] = "info"
    traces: Annotated[
        str,
        Meta(
            pattern="^$|^https?://", description="URL of an OTLP/HTTP trace receiver, such as `http://collector:4318`"
        ),
    ] = ""
    traces_share: Annotated[float, Meta(ge=0, le=1, description="share of jobs that are traced, 0 to 1")] = 1.0


class Settings(Struct, frozen=True, kw_only=True):
    """All settings of a process."""

    kafka: Kafka
    redis: Redis
    store: Store
    web: Web
    work: Work
    limits: Limits
    process: Process
    worker_id: str
    """``WORKER_ID``, else the host's name with a random part."""


def load(environ: Mapping[str, str]) -> Settings:
    """Read all settings from the mapping; raise ConfigError with the name, the value and what is allowed."""
    groups = {group: _read(kind, environ) for group, kind in _groups().items()}
    worker_id = environ.get("WORKER_ID") or f"{socket.gethostname()}-{token_hex(3)}"
    return Settings(worker_id=worker_id, **groups)


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Return the ``PIXO_*`` names that are no setting: typing errors, most likely; a role warns of them."""
    known = {injection.VARIABLE, *(variable(name) for _, name, _ in fields())}
    return sorted(name for name in environ if name.startswith("PIXO_") and name not in known)


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return "PIXO_" + field.upper()


def fields() -> Iterator[tuple[type[Struct], str, Any]]:
    """Return every setting as (group, field, msgspec field information), in the order of this file."""
    for kind in _groups().values():
        for field in msgspec.structs.fields(kind):
            yield kind, field.name, field


def describe(field: Any) -> str:
    """Return a setting's one line of help."""
    notes = getattr(field.type, "__metadata__", ())
    return next((note.description for note in notes if getattr(note, "description", None)), "")


def _masked(value: str) -> str:
    """Hide the user and password of a URL: an error ends up in a log."""
    # Greedily: what is refused may be a password with a slash that should have been encoded.
    shown = re.sub(r"://.*@", "://***@", value, flags=re.DOTALL)
    return re.sub(r"(password=).*", r"\1***", shown, flags=re.DOTALL)


def _variables(names: Iterable[str]) -> str:
    return " and ".join(variable(name) for name in names)


def _check_tls(group: Struct, prefix: str, *, secure: bool, how: str) -> None:
    """Refuse TLS files where there is no TLS, and half a pair; ``how`` says what would switch TLS on."""
    given = [name for name in group.__struct_fields__ if name.startswith(prefix) and getattr(group, name)]
    if given and not secure:
        raise ValueError(f"{_variables(given)} needs {how}")
    pair = (f"{prefix}cert", f"{prefix}key")
    if len(set(pair) & set(given)) == 1:
        raise ValueError(f"{_variables(pair)} must be set together")


def _check_files(given: Mapping[str, str]) -> None:
    """Refuse a certificate or key that cannot be read: the clients would say so much later, or never."""
    for name, path in given.items():
        if "_tls_" in name and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise ConfigError(f"{variable(name)}={path!r}: not a readable file")


def _groups() -> dict[str, type[Struct]]:
    return {name: kind for name, kind in get_type_hints(Settings).items() if name != "worker_id"}


def _read(kind: type[Struct], environ: Mapping[str, str]) -> Any:
    given = {
        name: environ[variable(name)]
        for name in (field.name for field in msgspec.structs.fields(kind))
        if environ.get(variable(name), "") != ""
    }
    _check_files(given)
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        # msgspec names the field at the end: … - at `$.max_pixels`
        what, _, path = str(error).partition(" - at `$.")
        if not path:  # of several fields at once, which the sentence names
            raise ConfigError(what) from error
        name = re.sub(r"\W.*", "", path)
        choices = _choices(next((f.type for f in msgspec.structs.fields(kind) if f.name == name), None))
        allowed = f"; allowed: {', '.join(choices)}" if choices else ""
        raise ConfigError(f"{variable(name)}={_masked(given[name])!r}: {what}{allowed}") from error


def _choices(annotation: Any) -> list[str]:
    if hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    return [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else []
