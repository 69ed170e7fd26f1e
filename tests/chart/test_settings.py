"""The chart and the code name the same things: settings, defaults, topics, groups, versions."""

import base64
import re

import yaml

import pixo
from pixo import settings, topics
from pixo.settings import Kafka
from tests.chart.rendering import CHART, MODES, ROOT, containers, helm, one, pods, render, values, variables

HERE_ALONE = {"PIXO_KAFKA_BELLS"}
"""Settings of the processes of one machine."""
KNOWN = {settings.variable(name) for _, name, _ in settings.fields()} - HERE_ALONE | {"WORKER_ID"}


def test_icon_is_the_page_s() -> None:
    """The chart carries the page's icon in itself, as helm lint and catalogues want one."""
    kind, _, data = yaml.safe_load((CHART / "Chart.yaml").read_text())["icon"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data) == (ROOT / "services" / "web" / "page" / "icon.svg").read_bytes()
    assert "[INFO]" not in helm("lint", str(CHART))


def test_variables_are_the_settings() -> None:
    """Every PIXO_ variable that any mode gives a role is a setting, and every setting is given by some mode."""
    given = set()
    for mode in [None, *MODES]:
        objects = render(mode)
        for name, pod in pods(objects):
            for container in containers(pod):
                found = {v for v in variables(objects, container) if v.startswith(("PIXO_", "WORKER_"))}
                assert found <= KNOWN, name
                given |= found

    mutual = render("strimzi")
    given |= set(one(mutual, "ConfigMap", "pixo")["data"])
    assert given == KNOWN


def test_what_the_roles_read_is_what_was_meant() -> None:
    """The code takes each mode's environment as it is: numbers are whole, choices are known."""
    for mode in [None, *MODES]:
        objects = render(mode)
        for name, pod in pods(objects):
            if name.startswith("Deployment/"):
                found = variables(objects, pod["containers"][0])
                # Certificates are mounted: files that only a pod has.
                environment = {n: v if v is not None else "secret" for n, v in found.items() if "_TLS_" not in n}
                read = settings.load(environment)
                assert read.web.max_upload_bytes == values()["config"]["maxUploadBytes"], name


def test_defaults_are_the_code_s() -> None:
    """Limits and sizes are by default what they are without the chart, but what a pod's memory bounds."""
    config = values()["config"]
    data = one(render(None), "ConfigMap", "pixo")["data"]
    for _, name, field in settings.fields():
        camel = re.sub(r"_(.)", lambda found: found[1].upper(), name)
        if camel in config and camel not in {"logFormat", "allowedOrigins", "maxDecoderBytes", "maxTileBytes"}:
            assert config[camel] == field.default, name
            assert float(data[settings.variable(name)]) == field.default if camel != "logLevel" else True, name


def test_version() -> None:
    """The chart's appVersion is the version of the code, so that images and chart go together."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == pixo.__version__


def test_strimzi_topics_are_the_code_s() -> None:
    """Topics as resources have the partitions and the configuration that the code would give them."""
    objects = render("strimzi")
    data = one(objects, "ConfigMap", "pixo")["data"]
    kafka = Kafka(
        tasks_partitions=int(data["PIXO_TASKS_PARTITIONS"]),
        results_partitions=int(data["PIXO_RESULTS_PARTITIONS"]),
        replication=int(data["PIXO_REPLICATION"]),
    )
    made = {each["spec"]["topicName"]: each for each in objects if each["kind"] == "KafkaTopic"}

    assert set(made) == {spec.name for spec in topics.specs(kafka)}
    for spec in topics.specs(kafka):
        each = made[spec.name]
        config = {name: str(value).lower() for name, value in each["spec"]["config"].items()}
        assert (each["spec"]["partitions"], each["spec"]["replicas"]) == (spec.partitions, spec.replication)
        assert config == dict(spec.config)
        assert each["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert each["metadata"]["labels"]["strimzi.io/cluster"] == "pixo"
        assert each["metadata"]["namespace"] == "kafka"


def test_autoscaler_watches_the_workers_group() -> None:
    """KEDA looks at the topic and the group that the code names, prefix and all."""
    objects = render("keda", "kafka.topics.prefix=mine.")
    (trigger,) = one(objects, "ScaledObject", "pixo-worker")["spec"]["triggers"]
    names = topics.names(Kafka(topic_prefix="mine."))

    assert trigger["metadata"]["topic"] == names.tasks
    assert trigger["metadata"]["consumerGroup"] == names.workers
