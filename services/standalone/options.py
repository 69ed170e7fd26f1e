"""What `pixo up` is asked for."""

import re
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pixo.errors import ConfigError

DATA = Path("pixo-data")


class Options(Struct, frozen=True, kw_only=True):
    """The options of `pixo up`; None where the user said nothing."""

    workers: Annotated[int, Meta(ge=1)]
    host: str | None = None
    port: int | None = None
    data: Path = DATA
    kafka: str | None = None
    """``apache`` to start a real broker, ``HOST:PORT`` for one that runs; None: the embedded one."""
    redis: str | None = None
    """URL of one that runs; None: the embedded Valkey."""

    def check(self) -> None:
        """Raise ConfigError for what cannot be meant."""
        if self.workers < 1:
            raise ConfigError(f"--workers {self.workers}: must be at least 1")
        if self.port is not None and not 0 <= self.port <= 65535:
            raise ConfigError(f"--port {self.port}: must be from 0 to 65535")
        if self.kafka not in {None, "apache"} and not re.search(r".:\d+$", str(self.kafka)):
            raise ConfigError(f"--kafka {self.kafka}: must be apache or HOST:PORT")
        try:
            str(self.data).encode()
        except UnicodeEncodeError as error:  # a socket's and a store's URL name it
            raise ConfigError(f"--data {str(self.data)!a}: must be a name in UTF-8") from error
