"""What cannot work is refused when it is rendered, in one sentence that names the values."""

import pytest

from tests.chart.rendering import Refused, one, render

EXTERNAL = ("kafka.enabled=false", 'externalKafka.bootstrapServers=["k:9092"]')


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (
            ("worker.replicaCount=7",),
            r"worker.replicaCount is 7, but topic tasks has 6 partitions: 1 workers would idle",
        ),
        (("results.replicaCount=4",), r"results.replicaCount is 4, but topic results has 3 partitions"),
        (("kafka.topics.tasks.maxPartitions=3",), r"maxPartitions is 3, less than kafka.topics.tasks.partitions \(6\)"),
        (
            ("worker.autoscaling.enabled=true", "worker.autoscaling.maxReplicas=9"),
            r"maxReplicas is 9, but topic tasks has 6",
        ),
        (("worker.autoscaling.enabled=true", "worker.autoscaling.minReplicas=8"), r"minReplicas is 8, more than the 6"),
        (("web.autoscaling.enabled=true", "web.autoscaling.minReplicas=9"), r"minReplicas is 9, more than .* \(6\)"),
        (
            ("redis.persistence.enabled=false", "redis.persistence.size=1G"),
            r"\"1G\" is not in Mi, Gi or Ti",
        ),
        (("redis.maxmemory=2gb",), r"redis.maxmemory is 2gb, but the pod may have 320Mi.* to 240mb or less"),
        (("redis.maxmemory=260000k",), r"redis.maxmemory is 260000k, but"),
        (("redis.maxmemory=0mb",), r"redis.maxmemory is 0mb, but"),
        (("redis.maxmemory=2gb", "redis.resources.limits.memory=2Gi"), r"may have 2Gi.* to 1536mb or less"),
        (("kafka.topics.replicationFactor=3",), r"must be 1 with the one broker"),
        (("kafka.topics.provisioner=strimzi",), r"needs a Kafka that Strimzi runs"),
        (("kafka.enabled=false",), r"set externalKafka.bootstrapServers"),
        ((*EXTERNAL, "externalKafka.securityProtocol=SASL_SSL"), r"set externalKafka.sasl.existingSecret"),
        ((*EXTERNAL, "externalKafka.tls.existingSecret=ca"), r"the connection would not be encrypted"),
        ((*EXTERNAL, "kafka.topics.provisioner=strimzi"), r"set externalKafka.strimzi.clusterName"),
        (("redis.enabled=false",), r"set externalRedis.host"),
        (
            ("redis.enabled=false", "externalRedis.host=r", "externalRedis.tls.existingSecret=ca"),
            r"externalRedis.tls.enabled is false",
        ),
        (("objectStore.enabled=false",), r"set externalObjectStore.url"),
        (
            ("metrics.podMonitor.enabled=true", "metrics.serviceMonitor.enabled=true"),
            r"counted twice",
        ),
        (("web.httpRoute.enabled=true",), r"set web.httpRoute.parentRefs"),
        (("image.registry=https://registry.example",), r"registry"),
        (("redis.persistence.size=5",), r"size"),
    ],
)
def test_refused(sets: tuple[str, ...], sentence: str) -> None:
    """Values that contradict each other fail the rendering, and the sentence says what to set."""
    with pytest.raises(Refused, match=sentence):
        render(None, *sets)


def test_a_larger_redis() -> None:
    """With the limit raised as well, or none, Redis may have more; the bound is the server's own."""
    for sets in (("redis.resources.limits.memory=3Gi",), ("redis.resources.limits.memory=null",)):
        conf = one(render(None, "redis.maxmemory=2gb", *sets), "ConfigMap", "pixo-redis")["data"]["valkey.conf"]
        assert "\nmaxmemory 2gb\n" in conf


def test_idle_workers_where_they_are_wanted() -> None:
    """worker.allowIdle, or a topic that may grow, lets through more workers than partitions."""
    for allowed in ("worker.allowIdle=true", "kafka.topics.tasks.maxPartitions=8"):
        objects = render(None, "worker.replicaCount=8", allowed)
        assert one(objects, "Deployment", "pixo-worker")["spec"]["replicas"] == 8
