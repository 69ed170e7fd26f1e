"""The Valkey of `pixo up`: reached by a socket that only its owner may use, or by TCP where the folder is too deep."""

import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from redis import Redis

from services.standalone.servers import Valkey
from tests.waiting import until


@contextmanager
def served(folder: Path) -> Iterator[Valkey]:
    """Run a Valkey until the block ends."""
    valkey = Valkey(folder)
    valkey.prepare()
    process = subprocess.Popen(valkey.command())
    try:
        until(valkey.ready, "Valkey answers")
        yield valkey
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("folder", "door"), [("a b%20c", "unix"), ("deep" * 30, "redis")])
def test_valkey_keeps_what_it_was_told(tmp_path: Path, folder: str, door: str) -> None:
    """Through either door: what was said to be on the disk is there after a kill, and the old socket does no harm."""
    for number in range(2):
        with served(tmp_path / folder) as valkey, closing(Redis.from_url(valkey.url)) as client:
            assert valkey.url.startswith(f"{door}://")
            assert client.get("n") == (b"0" if number else None)
            client.set("n", number)
            assert client.execute_command("WAITAOF", 1, 0, 5000)[0] == 1


def test_only_the_owner_may_use_the_socket(tmp_path: Path) -> None:
    """Others on the machine can reach nothing of an installation but its web port."""
    with served(tmp_path) as valkey:
        assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o700
        assert "--port 0" in " ".join(valkey.command())
