"""What a consumer's client complains of."""

import pytest
from confluent_kafka import KafkaError

from pixo.broker.faults import Hearing
from pixo.errors import Fatal


def test_what_ends_the_process_is_kept_until_it_is_asked_for():
    """Callbacks raise nothing; then the first fatal error does, whatever came before and after it."""
    hearing = Hearing(lambda: 0.0)
    hearing.take(KafkaError(KafkaError._TRANSPORT, "gone"))
    hearing.keep(None)
    hearing.require_none()
    hearing.take(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "not yours"))
    hearing.keep(Fatal("later"))

    with pytest.raises(Fatal, match="not yours"):
        hearing.require_none()
