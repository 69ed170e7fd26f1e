"""What every pod of every mode keeps to, before a cluster has to say so."""

import pytest

from tests.chart.rendering import MODES, Object, containers, pods, render

EVERY_MODE = pytest.mark.parametrize("mode", [None, *MODES])


@EVERY_MODE
def test_restricted(mode: str | None) -> None:
    """Each pod keeps the pod security standard `restricted`, and its root file system is read-only."""
    for name, pod in pods(render(mode)):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert all(set(volume) <= {"name", "emptyDir", "configMap", "secret"} for volume in pod.get("volumes", [])), (
            name
        )
        for container in containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert "privileged" not in own, name
            assert not any("hostPort" in port for port in container.get("ports", [])), name


@EVERY_MODE
def test_no_token_and_no_service_variables(mode: str | None) -> None:
    """No pod gets a token of the API server, nor variables of services, which would look like settings."""
    for name, pod in pods(render(mode)):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name


@EVERY_MODE
def test_resources(mode: str | None) -> None:
    """Each container asks for processor, memory and disk, and has a limit of memory and of disk above that."""
    for name, pod in pods(render(mode)):
        for container in containers(pod):
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}, name
            for what in ("memory", "ephemeral-storage"):
                assert size(resources["requests"][what]) <= size(resources["limits"][what]), name
        for volume in pod.get("volumes", []):
            if "emptyDir" in volume:
                assert volume["emptyDir"].get("sizeLimit"), name


@EVERY_MODE
def test_volumes_fit_the_limit_of_disk(mode: str | None) -> None:
    """The temporary volumes of a pod fit within its limit: a pod beyond it is evicted."""
    for name, pod in pods(render(mode)):
        limit = sum(size(container["resources"]["limits"]["ephemeral-storage"]) for container in pod["containers"])
        used = sum(
            size(volume["emptyDir"]["sizeLimit"])
            for volume in pod.get("volumes", [])
            if "emptyDir" in volume and volume["emptyDir"].get("medium") != "Memory"
        )
        assert used <= limit, name


@EVERY_MODE
def test_probes(mode: str | None) -> None:
    """Each server and role has the three probes; whether to restart is never asked of what it depends on."""
    for name, pod in pods(render(mode)):
        if not name.startswith(("Deployment/", "StatefulSet/")):
            continue
        (container,) = pod["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container), name
        if name.startswith("Deployment/"):
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_roles_hear_the_signal_from_the_first_moment() -> None:
    """No role is process 1, which the kernel spares every signal that it has no handler for yet."""
    for role in ("web", "worker", "results", "monitor"):
        assert dict(pods(render(None)))[f"Deployment/pixo-{role}"]["shareProcessNamespace"] is True


@EVERY_MODE
def test_images_are_pinned(mode: str | None) -> None:
    """Each image has a tag that is not `latest`, and is not asked for anew at each start."""
    for name, pod in pods(render(mode)):
        for container in containers(pod):
            reference = container["image"].partition("@")[0]
            tag = reference.rpartition("/")[2].partition(":")[2]
            assert tag not in {"", "latest"}, name
            assert container["imagePullPolicy"] == "IfNotPresent", name


@EVERY_MODE
def test_no_pod_is_bound_to_another_by_name(mode: str | None) -> None:
    """No role has an init container that waits: each waits for what it needs by itself."""
    for name, pod in pods(render(mode)):
        if name.startswith("Deployment/"):
            assert "initContainers" not in pod, name


@EVERY_MODE
def test_disruption_budgets_never_block(mode: str | None) -> None:
    """Budgets say how many may be away, never how many must stay: one pod alone can still be moved."""
    for each in render(mode):
        if each["kind"] == "PodDisruptionBudget":
            assert "minAvailable" not in each["spec"]
            assert each["spec"]["maxUnavailable"] == 1
            assert each["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_mirror_and_digests_reach_every_image() -> None:
    """global.imageRegistry stands before every image, and digests behind those that have one."""
    for name, pod in pods(render("hardened")):
        assert pod["imagePullSecrets"] == [{"name": "mirror"}], name
        for container in containers(pod):
            assert container["image"].startswith("registry.example.org/mirror/"), name
    web = dict(pods(render("hardened")))["Deployment/pixo-web"]
    assert web["containers"][0]["image"].endswith("0000000000000001")


def test_pods_spread() -> None:
    """The pods of a role spread over hosts and zones where they can, each revision by itself."""
    for name, pod in pods(render(None)):
        if name.startswith("Deployment/"):
            spread: list[Object] = pod["topologySpreadConstraints"]
            assert {one["whenUnsatisfiable"] for one in spread} == {"ScheduleAnyway"}, name
            assert {tuple(one["matchLabelKeys"]) for one in spread} == {("pod-template-hash",)}, name


UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def size(quantity: str) -> int:
    """Give the bytes of a Kubernetes quantity."""
    digits = quantity.rstrip("kMGTi")
    return int(digits) * UNITS[quantity.removeprefix(digits)]
