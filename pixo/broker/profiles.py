"""The settings of every Kafka client: one function a kind of client, each value with its reason.

Measured on both brokers. Profile ``embedded`` is the Tansu broker of ``pixo up``: it has no idempotent
producers that outlive its restart, no cooperative rebalance worth having, no KIP-848 groups, and with fetch
waits under 50 ms its readers starve.
"""

from typing import Any

from pixo.settings import Kafka
from pixo.topics import names

Profile = dict[str, Any]


def producer(settings: Kafka, client_id: str) -> Profile:
    """Return the settings of a producer whose records must not be lost."""
    return {
        **_common(settings, client_id),
        # Without it the broker's retries may duplicate, which Pixo bears; with it Tansu's restart jams it.
        "enable.idempotence": not _embedded(settings),
        "acks": "all",
        "delivery.timeout.ms": 60_000,
        "linger.ms": 0,  # a window of tasks is sent in one go
        **_batches(settings),
        "queue.buffering.max.kbytes": 16_384,  # the default is 1 GiB
        "queue.buffering.max.messages": 10_000,
    }


def heart(settings: Kafka, client_id: str) -> Profile:
    """Return the settings of a producer of heartbeats: late ones are dropped."""
    return {
        **_common(settings, client_id),
        "enable.idempotence": False,
        "acks": "1",
        "delivery.timeout.ms": 4000,  # under the period
        "linger.ms": 0,
        **_batches(settings),
        "queue.buffering.max.kbytes": 256,
        "queue.buffering.max.messages": 20,
    }


def consumer(settings: Kafka, client_id: str, group: str) -> Profile:
    """Return the settings of a group's member."""
    return {
        **_common(settings, client_id),
        **_membership(settings),
        "group.id": group,
        "max.poll.interval.ms": 60_000,  # polling never waits for work: a wedge is seen in a minute
        "enable.auto.commit": True,  # in the background, of what was stored
        "auto.commit.interval.ms": 1000,
        "enable.auto.offset.store": False,  # stored when done
        "auto.offset.reset": "earliest",  # never skip work
        "queued.max.messages.kbytes": 1024 if group == names(settings).workers else 4096,
        # The default of 1000 costs a small queue six sevenths of its rate.
        "fetch.queue.backoff.ms": 5 if _embedded(settings) else 20,
        # Nothing is fetched ahead of a record that was fetched: with bells its consumer may sleep after it.
        **({"queued.min.messages": 1} if _embedded(settings) else {}),
        "fetch.wait.max.ms": 50 if _embedded(settings) else 100,
        "check.crcs": True,
        **_fetches(settings),
    }


def tail(settings: Kafka, client_id: str) -> Profile:
    """Return the settings of a consumer in no group, of what is sent from now on."""
    return {
        **_common(settings, client_id),
        "group.id": f"{client_id}-tail",  # the client asks for one; nothing joins it
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "latest",
        "queued.max.messages.kbytes": 1024,
        "fetch.wait.max.ms": 500,  # a long partition at Tansu is read too slowly for less
    }


def admin(settings: Kafka, client_id: str) -> Profile:
    """Return the settings of an admin client."""
    common = _common(settings, client_id)
    return {name: value for name, value in common.items() if name not in _NOT_ADMIN}


_NOT_ADMIN = ("statistics.interval.ms", "allow.auto.create.topics")


def _common(settings: Kafka, client_id: str) -> Profile:
    return {
        "bootstrap.servers": settings.kafka,
        "client.id": client_id,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2000,  # the default of 10 s lengthens every recovery
        # Where a pod or machine is gone, connecting is not refused but unanswered, and goes on towards the old one when
        # the broker is back at the same address; the default is 30 s.
        "socket.connection.setup.timeout.ms": 10_000,
        "topic.metadata.refresh.interval.ms": 10_000,  # how soon added partitions are seen
        "statistics.interval.ms": 5000,
        "allow.auto.create.topics": False,
        "log.connection.close": False,
        # One that vanishes without a word is given up after this; the default of 60 s is waited for twice and more. The
        # embedded broker is a process of this machine, and may be slow.
        **({} if _embedded(settings) else {"socket.timeout.ms": 10_000}),
        **_security(settings),
    }


def _security(settings: Kafka) -> Profile:
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return {}
    found: Profile = {"security.protocol": protocol}
    if protocol.startswith("SASL_"):
        found |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_sasl_username,
            "sasl.password": settings.kafka_sasl_password,
        }
    files = {
        "ssl.ca.location": settings.kafka_tls_ca,  # without one librdkafka looks where systems keep theirs
        "ssl.certificate.location": settings.kafka_tls_cert,
        "ssl.key.location": settings.kafka_tls_key,
    }
    return found | {name: path for name, path in files.items() if path}


def _membership(settings: Kafka) -> Profile:
    if _embedded(settings):
        # A newcomer's rebalance takes 4 s with an eager strategy, 11 s with the cooperative one.
        return {"partition.assignment.strategy": "roundrobin", **_sessions(6000, 1500)}
    if settings.kafka_group_protocol == "consumer":
        return {"group.protocol": "consumer"}  # sessions and strategy are the broker's then
    return {"partition.assignment.strategy": "cooperative-sticky", **_sessions(10_000, 2500)}


def _sessions(timeout_ms: int, heartbeat_ms: int) -> Profile:
    return {"session.timeout.ms": timeout_ms, "heartbeat.interval.ms": heartbeat_ms}


def _batches(settings: Kafka) -> Profile:
    # Tansu says that a partition ends one after the first record of its last batch: batches of one make it right.
    return {"batch.num.messages": 1} if _embedded(settings) else {}


def _fetches(settings: Kafka) -> Profile:
    # Tansu makes room for as much as it is asked for, found or not, with every fetch; a task has some 2 kB.
    sizes = ("max.partition.fetch.bytes", "fetch.max.bytes", "message.max.bytes")
    return dict.fromkeys(sizes, 65_536) if _embedded(settings) else {}


def _embedded(settings: Kafka) -> bool:
    return settings.kafka_profile == "embedded"
