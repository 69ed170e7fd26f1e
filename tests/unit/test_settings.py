"""Settings are read once, typed, and refused by name."""

import pytest

from pixo import settings
from pixo.errors import ConfigError
from pixo.state.connection import connect


def test_nothing_set_gives_the_defaults() -> None:
    """Every setting has a default."""
    loaded = settings.load({})

    assert loaded.web.port == 5001
    assert loaded.limits.max_frames == 1


def test_a_variable_is_its_field_in_capitals() -> None:
    """PIXO_TILE_SIZE is tile_size; an empty value counts as not set."""
    loaded = settings.load({"PIXO_TILE_SIZE": "1024", "PIXO_PORT": "", "WORKER_ID": "one"})

    assert loaded.work.tile_size == 1024
    assert loaded.web.port == 5001
    assert loaded.worker_id == "one"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PIXO_MAX_PIXELS", "many", "int"),
        ("PIXO_MAX_PIXELS", "0", ">= 1"),
        ("PIXO_PORT", "70000", "<= 65535"),
        ("PIXO_LOG_FORMAT", "xml", "json"),
        ("PIXO_TOPIC_PREFIX", "a/b", "A-Za-z0-9._-"),
        ("PIXO_TOPIC_PREFIX", "a" * 201, "A-Za-z0-9._-"),
        ("PIXO_REDIS", "localhost", "rediss?"),
        ("PIXO_REDIS", "redis://localhost:a", "Port"),
        ("PIXO_REDIS", "redis://localhost/two", "not a number"),
        ("PIXO_REDIS", "redis://a..b", "idna"),
        ("PIXO_RESULT_TTL", "inf", "<= 1"),
        ("PIXO_RESULT_TTL", "1e17", "<= 1"),
    ],
)
def test_a_wrong_value_names_itself_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """The error tells the variable, its value and what would do."""
    with pytest.raises(ConfigError) as caught:
        settings.load({name: value})

    assert name in str(caught.value)
    assert value in str(caught.value)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "valkey://:hunter2@host:6379",
        "redis://me:hunter2@host:a",
        "redis://:hunter2@host/a",
        "redis://:hunter2/x@host",
        "redis://:x/hunter2@host",
        "redis://hunter2/x:y@host",
        "redis://:hunter2#x@host",
        "redis://host/a?password=hunter2",
    ],
)
def test_a_wrong_url_does_not_show_its_password(url: str) -> None:
    """What is said about it ends up in logs."""
    with pytest.raises(ConfigError, match=r"PIXO_REDIS=.*\*\*\*") as caught:
        settings.load({"PIXO_REDIS": url})

    assert "hunter2" not in str(caught.value)


def test_a_wrong_option_of_the_url_is_a_wrong_setting() -> None:
    """The client finds it, when it is made."""
    with pytest.raises(ConfigError, match=r"^PIXO_REDIS.*'db'"):
        connect(settings.load({"PIXO_REDIS": "redis://host/0?db=x"}).redis, patient=True)


@pytest.mark.parametrize("tokens", ["alpha,schlüssel", "alpha\nbeta", ",", " "])
def test_tokens_that_would_let_nobody_in_or_all(tokens: str) -> None:
    """Tokens that cannot be sent are refused, and none at all; the message does not show the others."""
    with pytest.raises(ConfigError, match=r"^PIXO_API_TOKENS") as caught:
        settings.load({"PIXO_API_TOKENS": tokens})

    assert "alpha" not in str(caught.value)
    assert settings.load({"PIXO_API_TOKENS": "alpha, beta,\n"}).web.api_tokens == "alpha, beta,\n"


def test_bells_are_the_embedded_brokers() -> None:
    """Where they would do harm they are refused."""
    assert settings.load({"PIXO_KAFKA_BELLS": "/b", "PIXO_KAFKA_PROFILE": "embedded"}).kafka.kafka_bells == "/b"
    with pytest.raises(ConfigError, match=r"PIXO_KAFKA_BELLS needs PIXO_KAFKA_PROFILE=embedded"):
        settings.load({"PIXO_KAFKA_BELLS": "/b"})


def test_origins() -> None:
    """They are compared as a browser writes them: what it never writes is refused."""
    assert settings.load({}).web.origins == frozenset()
    given = settings.load({"PIXO_ALLOWED_ORIGINS": "https://a.example, http://b.example:8080\n"}).web.origins
    assert given == {"https://a.example", "http://b.example:8080"}
    assert settings.load({"PIXO_ALLOWED_ORIGINS": "*"}).web.origins == {"*"}
    assert settings.load({"PIXO_ALLOWED_ORIGINS": "http://a.example:443"}).web.origins == {"http://a.example:443"}
    for wrong in (
        "a.example",
        "https://a.example/",
        "https://A.example",
        "https://a.example:443",
        "http://a.example:80",
        "null",
        "https://*",
        "ftp://a.example",
    ):
        with pytest.raises(ConfigError, match=r"PIXO_ALLOWED_ORIGINS: .* is no origin"):
            settings.load({"PIXO_ALLOWED_ORIGINS": wrong})


def test_unknown_names_are_told() -> None:
    """A typing error in a name is found."""
    assert settings.unknown({"PIXO_PROT": "1", "PIXO_PORT": "1", "HOME": "/"}) == ["PIXO_PROT"]


def test_every_setting_is_described() -> None:
    """The README's table has a line for each."""
    assert all(settings.describe(field) for _, _, field in settings.fields())
