"""Secure connections, against real servers: Apache Kafka with SASL and TLS, Valkey and an S3 server with TLS."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import pytest
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from msgspec.structs import replace

from pixo import broker, settings, state, store
from pixo.errors import TryAgain
from pixo.settings import Settings
from pixo.topics import Topic
from services.standalone.apache import ApacheKafka
from tests.conftest import free_port, running, valkey_command, versitygw_binary

PASSWORD = "a p@ss/word#1"  # noqa: S105 - of servers that live for the time of a test


class Files(NamedTuple):
    """PEM files: an authority, what it signed for servers and for Pixo, and an authority that signed nothing."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    stranger: Path


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _authority(folder: Path, name: str) -> Path:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        2,
        "-subj",
        f"/CN={name}",
        "-keyout",
        key,
        "-out",
        cert,
    )
    return cert


def _signed(folder: Path, ca: Path, name: str) -> tuple[Path, Path]:
    cert, key, request = (folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    names = folder / f"{name}.ext"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    signer = ("-CA", ca, "-CAkey", ca.with_suffix(".key"), "-CAcreateserial")
    _openssl("x509", "-req", "-in", request, *signer, "-days", 2, "-extfile", names, "-out", cert)
    return cert, key


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Make the certificates of this test process."""
    folder = tmp_path_factory.mktemp("pem")
    ca = _authority(folder, "authority")
    return Files(ca, *_signed(folder, ca, "server"), *_signed(folder, ca, "client"), _authority(folder, "stranger"))


class SecureKafka(ApacheKafka):
    """An Apache Kafka with three more listeners: SASL over TLS, SASL alone, and TLS that wants a certificate."""

    def __init__(self, data: Path, pem: Files) -> None:
        super().__init__(data, free_port())
        self.listeners = {name: f"127.0.0.1:{free_port()}" for name in ("SASL_SSL", "SASL_PLAINTEXT", "SSL")}
        # Kafka takes a PEM keystore as one file.
        self._keystore = data / "server.pem"
        self._keystore.write_text(pem.server_key.read_text() + pem.server.read_text())
        self._ca = pem.ca

    def _settings(self) -> dict[str, object]:
        plain = super()._settings()
        more = {name: f"{name}://{address}" for name, address in self.listeners.items()}
        mechanisms = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_pixo="{PASSWORD}";'
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return plain | {
            "listeners": ",".join([str(plain["listeners"]), *more.values()]),
            "advertised.listeners": ",".join([str(plain["advertised.listeners"]), *more.values()]),
            "listener.security.protocol.map": ",".join(
                [str(plain["listener.security.protocol.map"]), *(f"{name}:{name}" for name in more)]
            ),
            "sasl.enabled.mechanisms": mechanisms,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._keystore,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._ca,
            "listener.name.ssl.ssl.client.auth": "required",
            **{
                f"listener.name.{listener}.{mechanism}.sasl.jaas.config": module
                for listener in ("sasl_ssl", "sasl_plaintext")
                for mechanism, module in (("plain", login), ("scram-sha-256", scram), ("scram-sha-512", scram))
            },
        }


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, pem: Files) -> Iterator[SecureKafka]:
    """Run it, with the user in it."""
    for needed in ("java", "mvn"):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    server = SecureKafka(tmp_path_factory.mktemp("kafka"), pem)
    server.start()
    admin = AdminClient({"bootstrap.servers": server.address})
    users = [
        UserScramCredentialUpsertion("pixo", ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
    ]
    for user in users:
        for future in admin.alter_user_scram_credentials([user]).values():
            future.result(20)
    yield server
    server.stop()


def _user(server: SecureKafka, protocol: str, mechanism: str, pem: Files, password: str = PASSWORD) -> Settings:
    secure = {"PIXO_KAFKA_TLS_CA": str(pem.ca)} if protocol.endswith("SSL") else {}
    return settings.load(
        {
            "PIXO_KAFKA": server.listeners[protocol],
            "PIXO_KAFKA_SECURITY_PROTOCOL": protocol,
            "PIXO_KAFKA_SASL_MECHANISM": mechanism,
            "PIXO_KAFKA_SASL_USERNAME": "pixo",
            "PIXO_KAFKA_SASL_PASSWORD": password,
            **secure,
        }
    )


def _certified(server: SecureKafka, pem: Files) -> Settings:
    return settings.load(
        {
            "PIXO_KAFKA": server.listeners["SSL"],
            "PIXO_KAFKA_SECURITY_PROTOCOL": "SSL",
            "PIXO_KAFKA_TLS_CA": str(pem.ca),
            "PIXO_KAFKA_TLS_CERT": str(pem.client),
            "PIXO_KAFKA_TLS_KEY": str(pem.client_key),
        }
    )


def _round_trip(found: Settings) -> None:
    """Make a topic, send a record, take it as a member of a group: every kind of client."""
    kafka = broker.open(found.kafka, "c")
    try:
        topic = Topic(name=f"secure-{token_hex(4)}", partitions=1)
        kafka.admin().ensure([topic])
        producer = kafka.producer()
        producer.settle([producer.send(topic.name, b"hello", partition=0)])
        consumer = kafka.consumer(f"group-{token_hex(4)}", topic.name)
        deadline = time.monotonic() + 30
        record = None
        while record is None and time.monotonic() < deadline:
            record = consumer.poll(0.5)
        assert record is not None
        assert record.value == b"hello"
    finally:
        kafka.close()


@pytest.mark.apache
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka_takes_the_user(kafka: SecureKafka, pem: Files, protocol: str, mechanism: str) -> None:
    """Records go and come with each mechanism, over TLS and without."""
    _round_trip(_user(kafka, protocol, mechanism, pem))


@pytest.mark.apache
def test_kafka_takes_the_certificate(kafka: SecureKafka, pem: Files) -> None:
    """Records go and come over TLS in both directions."""
    _round_trip(_certified(kafka, pem))


@pytest.mark.apache
def test_kafka_out_of_trust_is_out_of_reach(kafka: SecureKafka, pem: Files) -> None:
    """A wrong password, a broker that a stranger signed and a missing certificate are TryAgain: a role waits."""
    right = _user(kafka, "SASL_SSL", "SCRAM-SHA-512", pem).kafka
    certified = _certified(kafka, pem).kafka
    wrong = [
        replace(right, kafka_sasl_password="another"),  # noqa: S106
        replace(right, kafka_tls_ca=str(pem.stranger)),
        replace(certified, kafka_tls_cert="", kafka_tls_key=""),
    ]
    for kafka_settings in wrong:
        client = broker.open(kafka_settings, "c")
        with pytest.raises(TryAgain):
            client.admin().ping()
        client.close()


@pytest.fixture(scope="session")
def secure_valkey(tmp_path_factory: pytest.TempPathFactory, pem: Files) -> Iterator[str]:
    """Give the address of a server that wants TLS, a certificate and a password; the wheel's has no TLS."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("no valkey-server or redis-server that was built with TLS is installed")
    folder = tmp_path_factory.mktemp("valkey-tls")
    port = free_port()
    tls = {
        "port": 0,
        "tls-port": port,
        "tls-cert-file": pem.server,
        "tls-key-file": pem.server_key,
        "tls-ca-cert-file": pem.ca,
        "requirepass": PASSWORD,
    }
    command = [program, *valkey_command(folder, port)[1:]]
    command += [word for name, value in tls.items() for word in (f"--{name}", str(value))]
    with running(command, port, folder / "log"):
        yield f"rediss://localhost:{port}/0"


def _redis(url: str, pem: Files, **changed: str) -> settings.Redis:
    files = {"redis_tls_ca": str(pem.ca), "redis_tls_cert": str(pem.client), "redis_tls_key": str(pem.client_key)}
    return settings.Redis(redis=url, **{"redis_password": PASSWORD, **files, **changed})


def test_valkey_takes_password_and_certificate(secure_valkey: str, pem: Files) -> None:
    """State is written and read over TLS."""
    found = state.open(_redis(secure_valkey, pem), patient=False)

    found.ping()
    found.cluster.write({"workers": 3})

    assert found.cluster.read() == {"workers": 3}
    found.close()


@pytest.mark.parametrize("wrong", ["password", "authority", "certificate"])
def test_valkey_out_of_trust_is_out_of_reach(secure_valkey: str, pem: Files, wrong: str) -> None:
    """A wrong password, a server that a stranger signed and a missing certificate are TryAgain."""
    changed = {
        "password": {"redis_password": "another"},
        "authority": {"redis_tls_ca": str(pem.stranger)},
        "certificate": {"redis_tls_cert": "", "redis_tls_key": ""},
    }[wrong]
    found = state.open(_redis(secure_valkey, pem, **changed), patient=False)

    with pytest.raises(TryAgain):
        found.ping()
    found.close()


@pytest.fixture(scope="session")
def secure_s3(tmp_path_factory: pytest.TempPathFactory, pem: Files) -> Iterator[str]:
    """Give the URL of an S3 server with TLS and one bucket."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed, which builds the S3 server")
    folder = tmp_path_factory.mktemp("versitygw-tls")
    (folder / "bucket").mkdir()
    port = free_port()
    command = [str(versitygw_binary()), "--port", f"127.0.0.1:{port}", "--access", "key", "--secret", PASSWORD]
    command += ["--cert", str(pem.server), "--key", str(pem.server_key), "posix", str(folder)]
    with running(command, port, folder.with_suffix(".log")):
        yield f"https://localhost:{port}"


def _bucket(url: str, ca: str) -> settings.Store:
    return settings.Store(
        store="s3://bucket/prefix",
        store_endpoint=url,
        store_access_key="key",
        store_secret_key=PASSWORD,
        store_tls_ca=ca,
    )


@pytest.mark.s3
def test_store_takes_the_authority(secure_s3: str, pem: Files) -> None:
    """Blobs go and come over TLS that a private authority signed."""
    blobs = store.open(_bucket(secure_s3, str(pem.ca)))

    blobs.put("some/blob", b"bytes")

    assert blobs.get("some/blob") == b"bytes"


@pytest.mark.s3
@pytest.mark.parametrize("ca", ["", "stranger"])
def test_store_out_of_trust_is_out_of_reach(secure_s3: str, pem: Files, ca: str) -> None:
    """A server that nobody known signed is TryAgain."""
    blobs = store.open(_bucket(secure_s3, ca and str(pem.stranger)))

    with pytest.raises(TryAgain):
        blobs.ping()
