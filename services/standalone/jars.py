"""Apache Kafka's jars, fetched by Maven into the user's cache once."""

import os
import subprocess
import tempfile
from pathlib import Path

from pixo.errors import ConfigError

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


def fetch(cache: Path | None = None) -> Path:
    """Return the folder that the jars are in; needs Maven where they are not there yet.

    Raises ConfigError with what Maven said when it fails.
    """
    jars = (cache or _cache()) / f"kafka-{VERSION}"
    if jars.exists():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as folder:
        pom = Path(folder, "pom.xml")
        pom.write_text(_POM)
        into = Path(folder, "jars")
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
        run(["mvn", "--batch-mode", "--quiet", "--file", str(pom), *goal])
        try:
            into.rename(jars)  # whole or not at all
        except OSError:
            if not jars.exists():  # else somebody else was quicker
                raise
    return jars


def run(command: list[str]) -> None:
    """Run a command to its end; raises ConfigError with what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise ConfigError(f"{command[0]} failed with {done.returncode}: {said}")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pixo"
