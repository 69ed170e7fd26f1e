"""A real Apache Kafka on this machine: one KRaft node, its jars fetched by Maven into the user's cache."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pixo.errors import ConfigError
from services.standalone.ports import free_port

VERSION = "4.3.1"

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pixo</groupId>
  <artifactId>apache-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
"""

_LOGGING = """\
<Configuration status="ERROR">
  <Appenders><Console name="out"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class ApacheKafka:
    """A broker that keeps its data in the folder and listens on this port of 127.0.0.1.

    ``prepare`` it, then run ``command`` until SIGTERM, and look for ``ready``; ``start`` and ``stop`` do that
    for one who has no supervisor. ``properties`` go before its own: a node of several needs others.
    """

    def __init__(
        self, data: Path, port: int, *, cache: Path | None = None, properties: Mapping[str, object] | None = None
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self._data = data.absolute()
        self._port = port
        self._jars = (cache or _cache()) / f"kafka-{VERSION}"
        self._given = dict(properties or {})
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Fetch the jars, write the configuration and format the folder, each only where it is missing.

        Raises ConfigError where Java or Maven are missing or fail.
        """
        for needed in ("java", "mvn"):
            if shutil.which(needed) is None:
                raise ConfigError(f"Apache Kafka needs {needed}, which is not installed")
        if not self._jars.exists():
            _fetch(self._jars)
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "log4j2.xml").write_text(_LOGGING)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self._data / "log" / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "--cluster-id", "cGl4by1zdGFuZGFsb25lMQ"]
            _run([*self._java(), *tool, "--config", str(self._properties)])

    def command(self) -> list[str]:
        """Give the command that runs the broker in the foreground."""
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    def ready(self) -> bool:
        """Say whether the broker takes connections; its listener opens when it can serve."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def start(self, patience: float = 60.0) -> None:
        """Run the broker as a child, its output in ``kafka.out`` in the folder, and return once it is ready."""
        self.prepare()
        output = self._data / "kafka.out"
        with output.open("ab") as out:
            process = subprocess.Popen(self.command(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        self._process = process
        deadline = time.monotonic() + patience
        while not self.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ConfigError(f"Apache Kafka did not start; {output} tells why")
            time.sleep(0.1)  # between two looks at the port

    def stop(self, patience: float = 20.0) -> None:
        """End the child, and return when it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _properties(self) -> Path:
        return self._data / "server.properties"

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._data / 'log4j2.xml'}"
        # One node needs little; the compiler's first stage is enough for it and starts sooner.
        options = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true"]
        return ["java", *options, logging, "-cp", f"{self._jars}/*"]

    def _settings(self) -> dict[str, object]:
        controller = f"127.0.0.1:{free_port()}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._data / "log",
            "auto.create.topics.enable": "false",
            "num.partitions": 1,
            # One node: nothing to copy to.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Members come one by one on a laptop too, but nobody wants to wait 3 s for the first.
            "group.initial.rebalance.delay.ms": 0,
            # A node that was killed is let in again once its former life counts as over, after 9 s by itself.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "group.min.session.timeout.ms": 6000,
            # Groups of protocol `consumer` have no session of the client's own: the default is 45 s.
            "group.consumer.min.session.timeout.ms": 6000,
            "group.consumer.session.timeout.ms": 10_000,
            "group.consumer.min.heartbeat.interval.ms": 1000,
            "group.consumer.heartbeat.interval.ms": 2500,
            **self._given,
        }


def _fetch(jars: Path) -> None:
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as folder:
        pom = Path(folder, "pom.xml")
        pom.write_text(_POM)
        into = Path(folder, "jars")
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
        _run(["mvn", "--batch-mode", "--quiet", "--file", str(pom), *goal])
        try:
            into.rename(jars)  # whole or not at all
        except OSError:
            if not jars.exists():  # else somebody else was quicker
                raise


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise ConfigError(f"{command[0]} failed with {done.returncode}: {said}")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pixo"
