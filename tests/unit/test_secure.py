"""Secure connections: what is set reaches the clients, and what does not go together is refused."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from pixo import settings
from pixo.broker import profiles
from pixo.errors import ConfigError
from pixo.settings import Kafka, Redis
from pixo.state import connection

SASL = {
    "PIXO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "PIXO_KAFKA_SASL_USERNAME": "pixo",
    "PIXO_KAFKA_SASL_PASSWORD": "a secret",
}


@pytest.fixture
def pem(tmp_path: Path) -> str:
    """Give a file that can be read."""
    file = tmp_path / "some.pem"
    file.write_text("")
    return str(file)


def security(profile: profiles.Profile) -> profiles.Profile:
    """Give what makes the profile secure."""
    return {name: value for name, value in profile.items() if name.startswith(("security", "sasl", "ssl"))}


def test_nothing_secure_is_set_by_default() -> None:
    """The profile of a plain connection has nothing of security."""
    assert security(profiles.producer(Kafka(), "c")) == {}


def test_every_kafka_client_is_given_the_same_security(pem: str) -> None:
    """Producers, members, listeners and admins carry protocol, user, password and authority."""
    kafka = settings.load({**SASL, "PIXO_KAFKA_TLS_CA": pem}).kafka
    expected = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "pixo",
        "sasl.password": "a secret",
        "ssl.ca.location": pem,
    }

    assert security(profiles.producer(kafka, "c")) == expected
    assert security(profiles.heart(kafka, "c")) == expected
    assert security(profiles.consumer(kafka, "c", "g")) == expected
    assert security(profiles.tail(kafka, "c")) == expected
    assert security(profiles.admin(kafka, "c")) == expected


def test_mutual_tls_has_a_certificate_and_no_user(pem: str) -> None:
    """SSL with a client certificate: both files, no SASL."""
    files = {"PIXO_KAFKA_TLS_CERT": pem, "PIXO_KAFKA_TLS_KEY": pem}
    kafka = settings.load({"PIXO_KAFKA_SECURITY_PROTOCOL": "SSL", **files}).kafka

    assert security(profiles.producer(kafka, "c")) == {
        "security.protocol": "SSL",
        "ssl.certificate.location": pem,
        "ssl.key.location": pem,
    }


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_library_has_every_mechanism(protocol: str, mechanism: str) -> None:
    """The client library was built with what the settings allow."""
    named = {"PIXO_KAFKA_SECURITY_PROTOCOL": protocol, "PIXO_KAFKA_SASL_MECHANISM": mechanism}
    kafka = settings.load({**SASL, **named, "PIXO_KAFKA": "127.0.0.1:1"}).kafka

    Producer(profiles.producer(kafka, "c"), logger=None).poll(0)


def test_redis_is_given_what_is_set(pem: str) -> None:
    """User, password and files become options of every connection; the password needs no escaping."""
    files = {"PIXO_REDIS_TLS_CA": pem, "PIXO_REDIS_TLS_CERT": pem, "PIXO_REDIS_TLS_KEY": pem}
    user = {"PIXO_REDIS_USERNAME": "pixo", "PIXO_REDIS_PASSWORD": "p@ss/word#1"}
    redis = settings.load({"PIXO_REDIS": "rediss://there:6380/2", **user, **files}).redis
    client = connection.connect(redis, patient=False)
    options = client.connection_pool.connection_kwargs

    assert (options["host"], options["port"], options["db"]) == ("there", 6380, 2)
    assert (options["username"], options["password"]) == ("pixo", "p@ss/word#1")
    assert options["ssl_ca_certs"] == options["ssl_certfile"] == options["ssl_keyfile"] == pem


def test_what_the_url_of_redis_says_goes_first() -> None:
    """A password in the URL is the one that is used."""
    client = connection.connect(Redis(redis="redis://:url@there", redis_password="other"), patient=False)  # noqa: S106

    assert client.connection_pool.connection_kwargs["password"] == "url"  # noqa: S105


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"PIXO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "PIXO_KAFKA_SASL_USERNAME": "pixo"},
            "SASL_SSL needs PIXO_KAFKA_SASL_USERNAME and PIXO_KAFKA_SASL_PASSWORD",
        ),
        (
            {"PIXO_KAFKA_SASL_PASSWORD": "secret"},
            "PIXO_KAFKA_SASL_PASSWORD needs PIXO_KAFKA_SECURITY_PROTOCOL to be SASL_SSL or SASL_PLAINTEXT",
        ),
        (
            {"PIXO_KAFKA_TLS_CA": "PEM"},
            "PIXO_KAFKA_TLS_CA needs PIXO_KAFKA_SECURITY_PROTOCOL to be SSL or SASL_SSL",
        ),
        (
            {"PIXO_KAFKA_SECURITY_PROTOCOL": "SSL", "PIXO_KAFKA_TLS_CERT": "PEM"},
            "PIXO_KAFKA_TLS_CERT and PIXO_KAFKA_TLS_KEY must be set together",
        ),
        ({"PIXO_REDIS_TLS_CA": "PEM"}, "PIXO_REDIS_TLS_CA needs PIXO_REDIS to begin with rediss://"),
        (
            {"PIXO_REDIS": "rediss://there", "PIXO_REDIS_TLS_KEY": "PEM"},
            "PIXO_REDIS_TLS_CERT and PIXO_REDIS_TLS_KEY must be set together",
        ),
        (
            {"PIXO_STORE": "s3://b", "PIXO_STORE_ENDPOINT": "http://there", "PIXO_STORE_TLS_CA": "PEM"},
            "PIXO_STORE_TLS_CA needs a store that is reached by https",
        ),
        ({"PIXO_KAFKA_TLS_CA": "/no/such.pem"}, "PIXO_KAFKA_TLS_CA='/no/such.pem': not a readable file"),
    ],
)
def test_half_secure_is_refused(given: dict[str, str], sentence: str, pem: str) -> None:
    """Settings that would connect less securely than they look stop the role; no secret is told."""
    environ = {name: pem if value == "PEM" else value for name, value in given.items()}

    with pytest.raises(ConfigError) as caught:
        settings.load(environ)

    assert str(caught.value) == sentence
