"""How many pods there are, and who says so."""

from tests.chart.rendering import Object, one, render


def worker(*sets: str) -> Object:
    """Give the specification of the workers' Deployment."""
    spec: Object = one(render(None, *sets), "Deployment", "pixo-worker")["spec"]
    return spec


def test_a_worker_for_each_partition() -> None:
    """Without a number there are as many workers as `tasks` has partitions."""
    assert worker()["replicas"] == 6
    assert worker("kafka.topics.tasks.partitions=12")["replicas"] == 12


def test_nought_is_a_number() -> None:
    """Workers can be scaled to none."""
    assert worker("worker.replicaCount=0")["replicas"] == 0


def test_keda_owns_the_number() -> None:
    """With KEDA the Deployment has no number; there is one pod at least, one for each partition at most."""
    objects = render("keda")
    scaled = one(objects, "ScaledObject", "pixo-worker")["spec"]

    assert "replicas" not in one(objects, "Deployment", "pixo-worker")["spec"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (1, 12)
    assert scaled["fallback"] == {"failureThreshold": 3, "replicas": 1, "behavior": "currentReplicasIfHigher"}
    assert scaled["triggers"][0]["metadata"]["allowIdleConsumers"] == "true"


def test_keda_may_go_as_far_as_the_topic() -> None:
    """Where the topic may grow, so may the workers."""
    objects = render("keda", "kafka.topics.tasks.maxPartitions=24")
    assert one(objects, "ScaledObject", "pixo-worker")["spec"]["maxReplicaCount"] == 24


def test_keda_signs_in() -> None:
    """With SASL and TLS, KEDA gets the user, the password and the authorities from the secrets that the roles use."""
    objects = render("external", "worker.autoscaling.enabled=true")
    (trigger,) = one(objects, "ScaledObject", "pixo-worker")["spec"]["triggers"]
    given = one(objects, "TriggerAuthentication", "pixo-worker")["spec"]["secretTargetRef"]

    assert trigger["authenticationRef"] == {"name": "pixo-worker"}
    assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == ("scram_sha512", "enable")
    assert {one["parameter"]: (one["name"], one["key"]) for one in given} == {
        "username": ("kafka-user", "username"),
        "password": ("kafka-user", "password"),
        "ca": ("kafka-ca", "ca.crt"),
    }


def test_web_autoscaler_owns_the_number() -> None:
    """With an autoscaler, web's Deployment has no number."""
    objects = render("hardened")
    assert "replicas" not in one(objects, "Deployment", "pixo-web")["spec"]
    assert one(objects, "HorizontalPodAutoscaler", "pixo-web")["spec"]["maxReplicas"] == 8


def test_rollouts() -> None:
    """Web adds before it takes away; workers and results never exceed their number: partitions would move twice."""
    objects = render(None)
    strategies = {
        role: one(objects, "Deployment", f"pixo-{role}")["spec"]["strategy"].get("rollingUpdate")
        for role in ("web", "worker", "results", "monitor")
    }

    assert strategies["web"] == {"maxSurge": "25%", "maxUnavailable": 0}
    assert strategies["worker"]["maxSurge"] == strategies["results"]["maxSurge"] == 0
    assert strategies["monitor"] is None
