"""Tells Prometheus where the roles' figures are: a file of targets that it watches by itself (``file_sd_configs``)."""

import os
from pathlib import Path

import msgspec


class Targets:
    """The file ``metrics-targets.json``; what it holds is always whole."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "metrics-targets.json"
        self._ports: dict[str, int] = {}

    def tell(self, name: str, port: int) -> None:
        """Note the port of a process in the place of its last one; ``pod`` is what a cluster calls it."""
        self._ports[name] = port
        targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"pod": name}} for name, port in self._ports.items()]
        part = self._file.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(targets)))
        os.replace(part, self._file)  # noqa: PTH105 - the call that is atomic by definition
