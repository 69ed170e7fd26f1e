"""A server for the model where pytest gives none."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import free_port, running, valkey_command


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Give the URL of a real Valkey that runs until the block ends."""
    with tempfile.TemporaryDirectory(prefix="pixo-model-") as folder:
        port = free_port()
        with running(valkey_command(Path(folder), port), port, Path(folder, "log")):
            yield f"redis://127.0.0.1:{port}/9"
