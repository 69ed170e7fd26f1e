"""Apache Kafka as parts: one broker, or a cluster of three on this machine."""

from collections.abc import Callable
from pathlib import Path

from confluent_kafka.admin import AdminClient

from services.standalone.apache import ApacheKafka
from tests.chaos.parts import Part
from tests.conftest import free_port

COPIES = 3


def single(folder: Path, session: float | None = None) -> tuple[Part, str]:
    """Give one broker with the address of it; its KIP-848 groups miss a silent member after ``session`` seconds."""
    kafka = ApacheKafka(folder, free_port(), properties=None if session is None else _sessions(session))
    kafka.prepare()
    return Part("kafka", kafka.command(), folder / "kafka.out", kafka.ready), kafka.address


def _sessions(seconds: float) -> dict[str, object]:
    session, heartbeat = round(1000 * seconds), round(250 * seconds)
    kinds = {"session.timeout.ms": session, "heartbeat.interval.ms": heartbeat}
    return {f"group.consumer.{least}{name}": value for name, value in kinds.items() for least in ("min.", "")}


def cluster(folder: Path) -> tuple[list[Part], str]:
    """Give three brokers that are each other's controllers too, and their addresses with commas."""
    ports = [(free_port(), free_port()) for _ in range(COPIES)]
    voters = ",".join(f"{n + 1}@127.0.0.1:{controller}" for n, (_, controller) in enumerate(ports))
    parts = []
    for n, (port, controller) in enumerate(ports):
        data = folder / f"broker-{n + 1}"
        kafka = ApacheKafka(
            data,
            port,
            properties={
                "node.id": n + 1,
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "default.replication.factor": COPIES,
                "min.insync.replicas": 2,
                "offsets.topic.replication.factor": COPIES,
                "transaction.state.log.replication.factor": COPIES,
                "transaction.state.log.min.isr": 2,
                # A broker that is gone is noticed after this; the default of 9 s is the same thing, slower.
                "broker.session.timeout.ms": 6000,
            },
        )
        kafka.prepare()
        parts.append(Part(f"kafka-{n + 1}", kafka.command(), data / "kafka.out", kafka.ready))
    return parts, ",".join(f"127.0.0.1:{port}" for port, _ in ports)


def leaders(address: str, topic: str) -> dict[int, int]:
    """Give the number of the broker that leads each partition, -1 for none."""
    found = AdminClient({"bootstrap.servers": address}).list_topics(topic, timeout=10).topics[topic]
    return {number: partition.leader for number, partition in found.partitions.items()}


def in_sync(address: str, topic: str) -> Callable[[], bool]:
    """Give the question whether every partition has all its copies."""
    admin = AdminClient({"bootstrap.servers": address})

    def asked() -> bool:
        found = admin.list_topics(topic, timeout=10).topics[topic].partitions.values()
        return all(len(partition.isrs) == COPIES for partition in found)

    return asked
