"""An installation on somebody else's servers: Kafka with SASL and TLS, Redis with password and TLS, S3 with TLS."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.kit import run
from tests.cluster.pictures import painted, right
from tests.cluster.release import DOOR, Release

HERE = Path(__file__).parent / "external"
SERVERS = "pixo-servers"
TOKEN = "a-token"  # noqa: S105 - of a cluster that lives for the time of a test


@pytest.fixture(scope="module")
def external(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Give an installation that has none but external servers."""
    folder = tmp_path_factory.mktemp("tls")
    certificates(folder)
    servers = Release(SERVERS)
    servers.delete_namespace()  # of a run that was cut off
    run("kubectl", "create", "namespace", SERVERS)
    secret(SERVERS, "tls", *(f"--from-file={folder / name}" for name in ("ca.crt", "tls.crt", "tls.key", "both.pem")))
    run("kubectl", "--namespace", SERVERS, "apply", "--filename", str(HERE / "servers.yaml"))
    run("kubectl", "--namespace", SERVERS, "wait", "pod", "--all", "--for=condition=Ready", "--timeout=300s")
    scram = [
        "--entity-type",
        "users",
        "--entity-name",
        "pixo",
        "--alter",
        "--add-config",
        "SCRAM-SHA-512=[password=kafka-secret]",
    ]
    tool = ["/opt/kafka/bin/kafka-configs.sh", "--bootstrap-server", "localhost:9092"]
    run("kubectl", "--namespace", SERVERS, "exec", "kafka", "--", *tool, *scram)

    release = Release("pixo-external", host="external.test")
    release.create_namespace()
    secret(release.namespace, "authority", f"--from-file={folder / 'ca.crt'}")
    for name, values in {
        "kafka-user": {"username": "pixo", "password": "kafka-secret"},
        "redis-user": {"password": "redis-secret"},
        "s3-keys": {"access-key": "s3-user", "secret-key": "s3-secret"},
        "tokens": {"tokens": TOKEN},
    }.items():
        secret(release.namespace, name, *(f"--from-literal={key}={value}" for key, value in values.items()))
    release.helm("install", "--values", str(HERE / "values.yaml"))
    yield release
    release.delete_namespace()
    servers.delete_namespace()


def test_pictures_through_external_servers(external: Release) -> None:
    """All pods become ready, and a picture comes back as it must; nothing of the chart's own holds data."""
    headers = {"Host": external.host, "Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=DOOR, headers=headers, timeout=180) as client:
        result = external.finish(client, external.submit(client, painted(4000, 3000), filters="blur:sigma=4"))
        topics = [topic["name"] for topic in client.get("/api/v1/cluster").json()["topics"]]

    assert right(result, 4000, 3000, "blur:sigma=4")
    assert topics == ["pixo.tasks", "pixo.results", "pixo.heartbeats", "pixo.dead-letters"]
    assert external.restarts() == {}
    assert external.get("statefulset")["items"] == []
    assert external.get("persistentvolumeclaim")["items"] == []


def test_without_the_token(external: Release) -> None:
    """Calls without the token are refused."""
    with external.client() as client:
        assert client.get("/api/v1/jobs").status_code == 401


def test_helm_test(external: Release) -> None:
    """`helm test` passes with tokens, and with all denied that no policy allows."""
    assert external.test().count("Succeeded") == 2


def certificates(folder: Path) -> None:
    """Make an authority, and a certificate for the three servers."""
    names = ",".join(f"DNS:{server}.{SERVERS}.svc" for server in ("kafka", "redis", "s3"))
    ca = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    # Strict verifiers, as Python from 3.13 on, want an authority to say that it is one.
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    run(*new, *usage, "-subj", "/CN=authority", "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"))
    own = [
        "-subj",
        "/CN=servers",
        "-addext",
        f"subjectAltName={names}",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]
    run(*new, *own, *ca, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt"))
    (folder / "both.pem").write_text((folder / "tls.key").read_text() + (folder / "tls.crt").read_text())


def secret(namespace: str, name: str, *what: str) -> None:
    """Make a secret."""
    run("kubectl", "--namespace", namespace, "create", "secret", "generic", name, *what)
