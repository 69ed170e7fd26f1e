"""An installation with servers of its own: installed, used, scaled, upgraded, damaged. In the order of this file."""

import io
import time
from datetime import datetime, timedelta

import pytest
from PIL import Image

from tests.cluster.kit import run
from tests.cluster.load import CHAIN, Jobs, Watch
from tests.cluster.pictures import painted, right
from tests.cluster.release import Release, condition, turned
from tests.waiting import until

ROLES = ("web", "worker", "results", "monitor")
LARGE = (20480, 11520)
"""236 megapixels."""


def test_install(pixo: Release) -> None:
    """Every pod of a fresh installation becomes ready without a restart; restricted pods are all it needs."""
    for role, count in {"web": 2, "worker": 6, "results": 1, "monitor": 1, "kafka": 1, "redis": 1, "s3": 1}.items():
        assert pixo.ready(role) == count, role
    assert pixo.restarts() == {}
    made = pixo.get("secret", "--selector", "owner=helm")["items"][0]["metadata"]["creationTimestamp"]
    ready = max(turned(pod, "Ready") for role in (*ROLES, "kafka", "redis", "s3") for pod in pixo.pods(role))
    assert ready - datetime.fromisoformat(made) < timedelta(minutes=3)


def test_helm_test(pixo: Release) -> None:
    """`helm test` passes: health, and pictures that come back right."""
    assert pixo.test().count("Succeeded") == 2


def test_connections_that_no_policy_allows(pixo: Release) -> None:
    """A stranger reaches web and none of the servers; a worker reaches its servers and not web."""
    worker = pixo.pods("worker")[0]["metadata"]["name"]
    own = {(pixo.full + end, port) for end, port in (("-kafka", 9092), ("-redis", 6379), ("-s3", 7070))}
    web = {(f"{pixo.full}-web", 80)}

    assert reached(pixo, worker, own | web) == own
    with pixo.stranger() as stranger:
        assert reached(pixo, stranger, own | web) == web


def test_disruption_budgets(pixo: Release) -> None:
    """Of two web pods one may be evicted, and no other until its successor is ready."""
    first, second = (pod["metadata"]["name"] for pod in pixo.pods("web"))
    pixo.evict(first)
    with pytest.raises(AssertionError, match="disruption budget"):
        pixo.evict(second)
    until(lambda: pixo.ready("web") == 2, "two ready")


def test_upload_through_the_ingress(pixo: Release) -> None:
    """A picture that comes in through the Ingress, as a body or a form, comes back as it must, pixel by pixel."""
    picture = painted(3200, 2400)
    with pixo.client() as client:
        raw = pixo.finish(client, pixo.submit(client, picture, filters="blur:sigma=4,grayscale"))
        form = client.post(
            "/api/v1/jobs", files={"image": ("p.jpg", picture)}, data={"filters": "invert", "format": "png"}
        )
        png = pixo.finish(client, form.json()["id"])

    assert right(raw, 3200, 2400, "blur:sigma=4,grayscale")
    assert right(png, 3200, 2400, "invert", "png")


def test_a_job_is_told_and_shown(pixo: Release) -> None:
    """Its events come through the Ingress until its end, and then its result can be seen small."""
    with pixo.client() as client:
        job = pixo.submit(client, painted(3200, 2400), filters="blur:sigma=4,grayscale")
        told = client.get(f"/api/v1/jobs/{job}/events").text
        total = client.get(f"/api/v1/jobs/{job}").json()["tiles"]["total"]
        small = client.get(f"/api/v1/jobs/{job}/preview", params={"size": "400"})

    assert told.count("event: tile") == total
    assert told.rstrip().endswith('event: done\ndata: {"status":"done"}')
    assert small.status_code == 200, small.text
    with Image.open(io.BytesIO(small.content)) as shown:
        assert shown.size == (400, 300)


def test_route(pixo: Release) -> None:
    """The HTTPRoute leads to the same page, by the Gateway API."""
    more = ["web.httpRoute.enabled=true", "web.httpRoute.hostnames[0]=route.test"]
    gateway = ["web.httpRoute.parentRefs[0].name=cluster", "web.httpRoute.parentRefs[0].namespace=ingress"]
    pixo.helm("upgrade", *(word for one in (*more, *gateway) for word in ("--set", one)))
    route = Release(pixo.namespace, host="route.test")
    with route.client() as client:
        until(lambda: client.get("/readyz").status_code == 200, "the route leads to the page", 30)
        result = route.finish(client, route.submit(client, painted(1600, 1200), filters="invert"))

    assert right(result, 1600, 1200, "invert")
    pixo.helm("upgrade")


def test_236_megapixels(pixo: Release, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture of 236 megapixels comes back right, and nobody runs out of memory."""
    picture = painted(*LARGE)
    for chain in ("grayscale", "blur:sigma=4,sharpen"):
        with pixo.client() as client:
            start = time.monotonic()
            result = pixo.finish(client, pixo.submit(client, picture, filters=chain))
        seconds = time.monotonic() - start
        with capsys.disabled():
            print(f"\n236 MP, {chain}: {seconds:.1f} s from upload to result")  # noqa: T201 - a figure that was measured
        assert right(result, *LARGE, chain)
    peaks = {role: max(peak(pixo, pod["metadata"]["name"]) for pod in pixo.pods(role)) for role in ROLES}
    with capsys.disabled():
        print(f"most resident MB of a process: {peaks}")  # noqa: T201 - likewise
    assert peaks["worker"] < 280
    assert max(peaks["web"], peaks["results"]) < 150
    assert pixo.restarts() == {}


@pytest.mark.damage
def test_scale_during_jobs(pixo: Release) -> None:
    """Workers are scaled down and up, each time in the middle of 20 jobs: none is lost; an upgrade keeps the number."""
    jobs = Jobs(pixo)
    for count in (2, 6, 3):
        jobs.submit(20)
        pixo.kubectl("scale", f"deployment/{pixo.full}-worker", f"--replicas={count}")
        assert jobs.unfinished() > 0, "too quick to tell"
        until(lambda count=count: len(pixo.pods("worker")) == count == pixo.ready("worker"), f"{count} workers")
    pixo.helm("upgrade", "--set", "config.window=6")
    assert pixo.get("deployment", f"{pixo.full}-worker")["spec"]["replicas"] == 3
    jobs.finish()


@pytest.mark.damage
def test_back_to_the_chart_s_number(pixo: Release) -> None:
    """What was scaled by hand goes back when the operator says so; without, the chart's number would be a conflict."""
    pixo.helm("upgrade", "--set", "worker.preserveManualScale=false", "--force-conflicts")
    assert pixo.get("deployment", f"{pixo.full}-worker")["spec"]["replicas"] == 6


@pytest.mark.damage
def test_rollback_after_scaling(pixo: Release) -> None:
    """The command of the notes goes back to the revision before, in the middle of jobs, though someone has scaled."""
    jobs = Jobs(pixo)
    before = pixo.get("configmap", pixo.full)["data"]
    pixo.helm("upgrade", "--set", "config.window=5")
    jobs.submit(6)
    pixo.kubectl("scale", f"deployment/{pixo.full}-worker", "--replicas=4")
    pixo.rollback()
    assert pixo.get("configmap", pixo.full)["data"] == before
    assert pixo.get("deployment", f"{pixo.full}-worker")["spec"]["replicas"] == 6
    pixo.rolled_out(*ROLES)
    jobs.finish()


@pytest.mark.damage
def test_rolling_upgrade_during_jobs(pixo: Release) -> None:
    """All roles are replaced in the middle of jobs: no call at the Ingress fails, no job is lost."""
    jobs = Jobs(pixo)
    jobs.submit(12)
    with Watch(pixo).watching() as watch:
        pixo.helm("upgrade", "--set", "config.logLevel=debug")
        pixo.rolled_out(*ROLES)
    jobs.finish()

    assert watch.failures == []
    assert watch.calls > 30


@pytest.mark.damage
@pytest.mark.parametrize("role", ["web", "worker", "results", "monitor", "redis", "s3", "kafka"])
def test_a_pod_is_deleted_during_jobs(pixo: Release, role: str) -> None:
    """Any pod may go in the middle of jobs, those that keep the data as well: all jobs end right."""
    jobs = Jobs(pixo)
    jobs.submit(6)
    gone = pixo.pods(role)[0]["metadata"]
    hard = ["--grace-period=1"] if role in {"worker", "redis"} else []
    pixo.kubectl("delete", "pod", gone["name"], "--wait=false", *hard)
    until(lambda: gone["uid"] not in {pod["metadata"]["uid"] for pod in pixo.pods(role)}, "another pod")
    jobs.finish()
    until(lambda: all(condition(pod, "Ready") for pod in pixo.pods(role)), "all ready again")


@pytest.mark.damage
@pytest.mark.parametrize("server", ["redis", "kafka", "s3"])
def test_web_with_a_broken_dependency(pixo: Release, server: str) -> None:
    """Without a server, web goes unready and is not restarted; as soon as the server is back, it serves again.

    Nor is another role, but where it ended itself: librdkafka never asks again what a dying broker left unanswered.
    """
    before = pixo.restarts()
    pixo.kubectl("scale", f"statefulset/{pixo.full}-{server}", "--replicas=0")
    try:
        until(lambda: pixo.ready("web") == 0, "web unready")
        assert len(pixo.pods("web")) == 2
    finally:
        pixo.kubectl("scale", f"statefulset/{pixo.full}-{server}", "--replicas=1")
    until(lambda: pixo.ready("web") == 2, "web ready")
    with pixo.client() as client:
        result = pixo.finish(client, pixo.submit(client, painted(1600, 1200), filters="invert"))

    assert right(result, 1600, 1200, "invert")
    ended = {name: pixo.last_words(name) for name, count in pixo.restarts().items() if count > before.get(name, 0)}
    assert not [name for name in ended if "-web-" in name], ended
    assert all("nothing heard of" in words for words in ended.values()), ended


@pytest.mark.damage
def test_partitions_grow_in_one_upgrade(pixo: Release) -> None:
    """One upgrade makes the topic larger and starts the workers for it, in the middle of jobs; smaller is refused."""
    jobs = Jobs(pixo)
    jobs.submit(6)
    pixo.helm("upgrade", "--set", "kafka.topics.tasks.partitions=8")
    until(lambda: pixo.partitions() == 8, "8 partitions")
    assert pixo.ready("worker") == 8
    until(lambda: _busy_partitions(pixo) == set(range(8)), "each worker has a partition")
    jobs.finish()
    with pytest.raises(AssertionError, match="Kafka cannot take partitions away"):
        pixo.helm("upgrade", "--set", "kafka.topics.tasks.partitions=6")


@pytest.mark.damage
def test_the_monitor_grows_the_topic(pixo: Release) -> None:
    """Workers that are scaled past the partitions get partitions of their own, up to the setting."""
    sets = ("--set", "kafka.topics.tasks.partitions=8", "--set", "kafka.topics.tasks.maxPartitions=9")
    pixo.helm("upgrade", *sets)
    pixo.kubectl("scale", f"deployment/{pixo.full}-worker", "--replicas=10")
    until(lambda: pixo.partitions() == 9, "9 partitions", 180)
    until(lambda: _busy_partitions(pixo) == set(range(9)), "each partition has a worker")
    with pixo.client() as client:
        result = pixo.finish(client, pixo.submit(client, painted(4000, 3000), filters=CHAIN))
    assert right(result, 4000, 3000, CHAIN)


@pytest.mark.damage
def test_two_releases_in_one_namespace(pixo: Release) -> None:
    """A second release beside the first has its own pods, topics and jobs, and goes without a trace in the first."""
    second = Release(pixo.namespace, "second", "second.test")
    small = ("--set", "web.replicaCount=1", "--set", "worker.replicaCount=1", "--set", "kafka.topics.prefix=second.")
    pixo.kubectl("scale", f"deployment/{pixo.full}-worker", "--replicas=1")  # room on a small machine
    second.helm("install", *small)
    with second.client() as client:
        result = second.finish(client, second.submit(client, painted(1600, 1200), filters="invert"))
        theirs = client.get("/api/v1/jobs").json()["jobs"]
    assert right(result, 1600, 1200, "invert")
    assert len(theirs) == 1
    rid = second.noted(f"kubectl -n {second.namespace} delete pvc")
    second.uninstall()
    run(*rid)
    assert not second.get("pvc", "--selector", "app.kubernetes.io/instance=second")["items"]
    with pixo.client() as client:
        assert client.get("/readyz").status_code == 200


def test_uninstall(pixo: Release) -> None:
    """Claims stay, as the values say, and nothing else of the release does."""
    pixo.uninstall()
    until(lambda: not pixo.get("pods")["items"], "all pods gone")
    kinds = (
        "all,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget,ingress,httproute,persistentvolumeclaim"
    )
    left = {
        f"{one['kind']}/{one['metadata']['name']}"
        for one in pixo.get(kinds)["items"]
        if one["metadata"]["name"] not in {"default", "kube-root-ca.crt"}
    }
    assert left == {f"PersistentVolumeClaim/data-{pixo.full}-{server}-0" for server in ("kafka", "redis", "s3")}


def test_installed_again(pixo: Release) -> None:
    """A new installation on the volumes of the old one comes up, and still has its images."""
    pixo.helm("install")
    with pixo.client() as client:
        (job, *_) = client.get("/api/v1/jobs", params={"status": "done"}).json()["jobs"]
        assert client.get(f"/api/v1/jobs/{job['id']}/result").status_code == 200


PEAK = """
import glob, os
files = set(glob.glob('/proc/[0-9]*/status')) - {f'/proc/{os.getpid()}/status'}
lines = [line for file in files for line in open(file) if line.startswith('VmHWM')]
print(sum(int(line.split()[1]) for line in lines) // 1024)
"""
REACH = """
import socket, sys
for there in sys.argv[1:]:
    host, port = there.split(':')
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except OSError:
        continue
    print(there)
"""


def peak(release: Release, pod: str) -> int:
    """Give the most megabytes that the processes of a pod ever held, each by itself, without the one that asks."""
    return int(release.kubectl("exec", pod, "--", "python", "-c", PEAK))


def reached(release: Release, pod: str, where: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Give the hosts and ports among those named that a pod can open a connection to."""
    said = release.kubectl("exec", pod, "--", "python", "-c", REACH, *(f"{host}:{port}" for host, port in where))
    return {(host, int(port)) for host, _, port in (line.partition(":") for line in said.split())}


def _busy_partitions(release: Release) -> set[int]:
    """Give the partitions that workers say they hold."""
    with release.client() as client:
        return {p for worker in client.get("/api/v1/workers").json()["workers"] for p in worker["partitions"]}
