"""A real Apache Kafka on this machine: one KRaft node, by the jars in the user's cache."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pixo.errors import ConfigError
from services.standalone import jars
from services.standalone.ports import free_port

_LOGGING = """\
<Configuration status="ERROR">
  <Appenders><Console name="out"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""

_QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
"""Of no interest: Java's opinion of single classes in the archive."""


class ApacheKafka:
    """A broker that keeps its data in the folder and listens on this port of 127.0.0.1.

    ``prepare`` it, then run ``command`` until SIGTERM, and look for ``ready``; ``start`` and ``stop`` do that
    for one who has no supervisor. ``properties`` go before its own: a node of several needs others.
    ``options`` are Java's, instead of those that start it sooner.
    """

    def __init__(
        self,
        data: Path,
        port: int,
        *,
        cache: Path | None = None,
        properties: Mapping[str, object] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self._data = data.absolute()
        self._port = port
        self._cache = cache
        self._jars = Path()
        self._given = dict(properties or {})
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Fetch the jars, archive their classes, write the configuration, format the folder: each where it is missing.

        Raises ConfigError where Java or Maven are missing or fail.
        """
        for needed in ("java", "mvn"):
            if shutil.which(needed) is None:
                raise ConfigError(f"Apache Kafka needs {needed}, which is not installed")
        self._jars = jars.fetch(self._cache)
        self._options = self._options or _archived(self._jars)
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "log4j2.xml").write_text(_LOGGING)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self._data / "log" / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "--cluster-id", "cGl4by1zdGFuZGFsb25lMQ"]
            jars.run([*self._java(), *tool, "--config", str(self._properties)])

    def command(self) -> list[str]:
        """Return the command that runs the broker in the foreground."""
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    def ready(self) -> bool:
        """Return whether the broker takes connections; its listener opens when it can serve."""
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
        return ["java", *options, *self._options, logging, "-cp", f"{self._jars}/*"]

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


def _archived(folder: Path) -> list[str]:
    """Return the options for a start with the jars' classes from an archive, which saves half of its time.

    The first start of all makes the archive as it ends. Java passes by one that another Java made.
    """
    archive = folder.with_name(f"{folder.name}.jsa")
    if not archive.exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as rehearsal:
            made = Path(rehearsal, "classes.jsa")
            options = [f"-XX:ArchiveClassesAtExit={made}", *_QUIET]
            first = ApacheKafka(Path(rehearsal, "data"), free_port(), cache=folder.parent, options=options)
            first.start()
            first.stop(patience=60)
            if not made.exists():  # not every Java makes one
                return []
            made.rename(archive)
    return [f"-XX:SharedArchiveFile={archive}", *_QUIET]
