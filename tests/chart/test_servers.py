"""Kafka, Valkey and the S3 gateway of the chart, and others in their place."""

import base64
import re
from hashlib import sha256

import pytest

from tests.chart.rendering import containers, one, pods, render, variables


def test_kafka_s_settings_are_complete() -> None:
    """The image drops its own settings, so all that a KRaft node cannot do without is given."""
    (container,) = one(render(None), "StatefulSet", "pixo-kafka")["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry["value"] for entry in container["env"]}

    assert given["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://pixo-kafka.pixo.svc:9092"
    assert given["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert given["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data/log"
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/var/lib/kafka/data",
        "/opt/kafka/config",
        "/tmp",  # noqa: S108 - of the container
    }


def test_cluster_id() -> None:
    """Each release's broker has an id of its own that never changes: 16 bytes in base64."""
    found = [
        {
            entry["name"]: entry.get("value")
            for entry in one(render(None, release=release), "StatefulSet", f"{full}-kafka")["spec"]["template"]["spec"][
                "containers"
            ][0]["env"]
        }["CLUSTER_ID"]
        for release, full in (("pixo", "pixo"), ("other", "other-pixo"))
    ]

    assert found[0] != found[1]
    for id in found:
        assert re.fullmatch("[A-Za-z0-9]{22}", id)
        assert len(base64.b64decode(id + "==")) == 16


def test_broker_s_own_settings_can_be_changed() -> None:
    """kafka.config adds to the broker's settings and overrides them."""
    objects = render(None, 'kafka.config={"log.retention.hours": 4, "num.partitions": 3}')
    (container,) = one(objects, "StatefulSet", "pixo-kafka")["spec"]["template"]["spec"]["containers"]
    given = variables(objects, container)

    assert (given["KAFKA_LOG_RETENTION_HOURS"], given["KAFKA_NUM_PARTITIONS"]) == ("4", "3")


def test_group_protocol() -> None:
    """`auto` is KIP-848 with the chart's broker, which has it, and the classic protocol with any other."""

    def protocol(*words: str) -> str:
        return str(one(render(*words), "ConfigMap", "pixo")["data"]["PIXO_KAFKA_GROUP_PROTOCOL"])

    assert protocol() == "consumer"
    assert protocol("external") == "classic"
    assert protocol("external", "kafka.consumer.groupProtocol=consumer") == "consumer"


def test_nothing_of_the_chart_s_keeps_data_with_external_servers() -> None:
    """With all three external there is no StatefulSet, no claim and no secret, and no address of the chart's own."""
    objects = render("external")
    data = one(objects, "ConfigMap", "pixo")["data"]

    assert not [each for each in objects if each["kind"] in {"StatefulSet", "Secret"}]
    assert data["PIXO_REDIS"] == "rediss://redis.example.org:6380/3"
    assert data["PIXO_STORE"] == "s3://images/pixo"
    assert data["PIXO_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"


@pytest.mark.parametrize("mode", ["external", "strimzi"])
def test_certificates_are_where_the_settings_say(mode: str) -> None:
    """Every file that a variable names is mounted, from a secret, in each role and in the Job."""
    objects = render(mode)
    for name, pod in pods(objects):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in containers(pod):
            files = {
                f"{mount['mountPath']}/{item['path']}"
                for mount in container["volumeMounts"]
                for item in volumes.get(mount["name"], {}).get("secret", {}).get("items", [])
            }
            named = {value for key, value in variables(objects, container).items() if "_TLS_" in key}
            assert named == files, name


def test_passwords_come_from_secrets_only() -> None:
    """No password is in a ConfigMap or written into a pod."""
    for mode in (None, "external", "hardened"):
        objects = render(mode)
        for name, pod in pods(objects):
            for container in containers(pod):
                for entry in container.get("env", []):
                    if re.search("PASSWORD|SECRET|TOKENS|AUTH", entry["name"]):
                        assert "secretKeyRef" in entry["valueFrom"], name
        for each in objects:
            if each["kind"] == "ConfigMap":
                assert not re.search("PASSWORD|SECRET_KEY|TOKENS", " ".join(each["data"])), mode


def test_one_password_in_a_rendering() -> None:
    """A generated secret is made once: what the pods' checksums were made of is what the secret has."""
    objects = render(None)
    for server, key, length in (("redis", "password", 32), ("s3", "secret-key", 40)):
        secret = base64.b64decode(one(objects, "Secret", f"pixo-{server}")["data"][key])
        template = one(objects, "StatefulSet", f"pixo-{server}")["spec"]["template"]

        assert re.fullmatch(rb"[A-Za-z0-9]{%d}" % length, secret)
        assert template["metadata"]["annotations"]["checksum/secret"] == sha256(secret).hexdigest()[:16]


def test_servers_stay_when_pixo_changes() -> None:
    """Another version of Pixo makes other roles, and leaves the pods that keep the data alone."""
    given = ("redis.auth.existingSecret=of-the-user", "objectStore.auth.existingSecret=of-the-user")
    before, after = (render(None, *given, f"image.tag={tag}") for tag in ("a", "b"))
    for server in ("kafka", "redis", "s3"):
        old, new = (one(objects, "StatefulSet", f"pixo-{server}")["spec"] for objects in (before, after))
        assert old == new, server
    assert one(before, "Deployment", "pixo-web") != one(after, "Deployment", "pixo-web")


def test_the_bucket_is_made_with_the_pod() -> None:
    """Naming a folder of the volume has Kubernetes make it, which is all that a bucket is."""
    (container,) = one(render(None), "StatefulSet", "pixo-s3")["spec"]["template"]["spec"]["containers"]
    assert {"name": "data", "mountPath": "/bucket", "subPath": "buckets/pixo"} in container["volumeMounts"]
    assert container["args"] == ["posix", "/data/buckets"]


def test_only_those_who_need_the_keys_of_the_store_have_them() -> None:
    """The monitor and the Job never see the bucket's keys; only web sees the tokens."""
    objects = render("external")
    have = {
        name: {entry["name"] for container in containers(pod) for entry in container.get("env", [])}
        for name, pod in pods(objects)
    }

    assert {name.rpartition("-")[2] for name, names in have.items() if "PIXO_STORE_SECRET_KEY" in names} == {
        "web",
        "worker",
        "results",
    }
    assert [name for name, names in have.items() if "PIXO_API_TOKENS" in names and "test" not in name] == [
        "Deployment/pixo-web"
    ]


def test_what_becomes_of_volumes() -> None:
    """Claims outlive the release unless the values say otherwise; without persistence there is none."""
    for mode, policy in ((None, "Retain"), ("kind", "Delete")):
        for each in render(mode):
            if each["kind"] == "StatefulSet":
                assert each["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == policy
    for each in render("minimal"):
        if each["kind"] == "StatefulSet":
            assert "volumeClaimTemplates" not in each["spec"]
