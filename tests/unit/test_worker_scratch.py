"""The folder of a worker: its own while it lives, nobody's for long after a kill."""

import signal
import subprocess
import sys

import pytest

from pixo.errors import ConfigError
from services.worker.scratch import scratch

HOLDER = """
import sys, time
from pathlib import Path
from services.worker.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "copy").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_a_living_worker_keeps_its_folder_a_killed_one_leaves_it_to_the_next(tmp_path):
    """What a SIGKILL left is removed by whoever begins next; what is in use is not."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        name = holder.stdout.readline().strip()
        with scratch(tmp_path) as mine:
            assert {str(one) for one in tmp_path.iterdir()} == {name, str(mine)}
        assert [str(one) for one in tmp_path.iterdir()] == [name]
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with scratch(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_a_wrong_setting(tmp_path):
    """It is made where it can be; else the setting is named."""
    with scratch(tmp_path / "new" / "cache") as mine:
        assert mine.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="PIXO_CACHE="), scratch(tmp_path / "file"):
        pass
