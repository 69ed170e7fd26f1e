"""What a consumer's client complains of."""

import logging

import pytest
from confluent_kafka import KafkaError

from pixo.broker.faults import Complaints, Hearing, Said
from pixo.errors import Fatal


def test_what_ends_the_process_is_kept_until_it_is_asked_for():
    """Callbacks raise nothing; then the first fatal error does, whatever came before and after it."""
    hearing = Hearing(Said(lambda: 0.0))
    hearing.take(KafkaError(KafkaError._TRANSPORT, "gone"))
    hearing.keep(None)
    hearing.require_none()
    hearing.take(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "not yours"))
    hearing.keep(Fatal("later"))

    with pytest.raises(Fatal, match="not yours"):
        hearing.require_none()


def test_what_all_clients_of_a_process_meet_is_said_once(caplog):
    """A broker that is away is said by the first client that finds out, and again after ten seconds."""
    now = [0.0]
    said = Said(lambda: now[0])
    clients = [Complaints(said), Complaints(said), Hearing(said)]
    down, away = KafkaError(KafkaError._ALL_BROKERS_DOWN, "all"), KafkaError(KafkaError._TRANSPORT, "refused")
    for moment in (0.0, 9.0, 11.0):
        now[0] = moment
        for client in clients:
            client.say(away)
            client.log(logging.WARNING, "", "FAIL", "producer-1", "refused")
            client.say(down)
    client.log(logging.WARNING, "", "CONFWARN", "producer-1", "another thing")

    told = [record.fields.get("error") or record.fields["facility"] for record in caplog.records]
    assert told == [*("_TRANSPORT", "_ALL_BROKERS_DOWN") * 2, "CONFWARN"]
