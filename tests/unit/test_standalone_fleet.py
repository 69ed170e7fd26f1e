"""What the processes of `pixo up` are told."""

from pathlib import Path

import pytest

from pixo.errors import ConfigError
from services.standalone.fleet import Fleet
from services.standalone.options import Options

ELSEWHERE = {
    "PIXO_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "PIXO_KAFKA_SASL_USERNAME": "me",
    "PIXO_KAFKA_SASL_PASSWORD": "secret",
    "PIXO_REDIS_PASSWORD": "secret",
}


def fleet(tmp_path: Path, **options: str) -> Fleet:
    """Give a fleet in an environment that is made for servers elsewhere."""
    return Fleet(Options(workers=1, port=0, data=tmp_path, **options), ELSEWHERE, lambda *_: None)


def test_own_servers_are_asked_without_passwords(tmp_path):
    """They have none, and would refuse whoever comes with one."""
    settings = fleet(tmp_path).settings
    assert settings.kafka.kafka_security_protocol == "PLAINTEXT"
    assert settings.kafka.kafka_sasl_password == ""
    assert settings.redis.redis_password == ""


def test_others_are_asked_with_theirs(tmp_path):
    """Each by itself."""
    settings = fleet(tmp_path, kafka="host:9092", redis="redis://host").settings
    assert settings.kafka.kafka_sasl_password == ELSEWHERE["PIXO_REDIS_PASSWORD"]
    assert settings.redis.redis_password == ELSEWHERE["PIXO_REDIS_PASSWORD"]


@pytest.mark.parametrize(("option", "value"), [("kafka", "host:port"), ("kafka", ":9"), ("data", Path("a\udcff"))])
def test_an_option_that_cannot_be_meant(option, value):
    """Is refused by its name."""
    with pytest.raises(ConfigError, match=f"--{option} "):
        Options(workers=1, **{option: value}).check()
