"""Two instances of `pixo up` on one machine do not collide."""

import os
import socket
import subprocess
import sys

import pytest

from pixo.errors import ConfigError
from services.standalone.options import Options
from services.standalone.ports import FolderLock, claim, free_port


def test_a_free_port_can_be_bound():
    """A port that was called free can be listened on."""
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_a_taken_port_is_refused_with_advice():
    """A port that somebody listens on is refused, and the option that helps is named."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} .*--port"):
            claim("127.0.0.1", port, patience=0)


def test_port_zero_is_any():
    """Port 0 becomes a free one."""
    assert claim("127.0.0.1", 0) > 0


@pytest.mark.parametrize("host", ["no.such.host.invalid", "h\u00f6r..st", "\udcff", "192.0.2.1"])
@pytest.mark.parametrize("port", [0, 5001])
def test_an_impossible_host_is_named(host, port):
    """Whether it is none, or another machine's."""
    with pytest.raises(ConfigError, match=f"cannot listen on {host}.*--host"):
        claim(host, port, patience=0)


def test_a_folder_has_one_owner(tmp_path):
    """A second instance is told who has the folder; once it is let go, the next one has it."""
    with FolderLock(tmp_path), pytest.raises(ConfigError, match=f"process {os.getpid()}.*--data"), FolderLock(tmp_path):
        pass
    with FolderLock(tmp_path):
        pass


def test_the_lock_of_a_killed_owner_is_void(tmp_path):
    """The lock file that a killed instance left behind hinders nobody."""
    code = (
        "import os, sys, pathlib; from services.standalone.ports import FolderLock;"
        "FolderLock(pathlib.Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    assert (tmp_path / "lock").exists()
    with FolderLock(tmp_path):
        pass


def test_an_impossible_folder_is_named(tmp_path):
    """A data folder that cannot be made is a ConfigError that names it."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="file/data"), FolderLock(tmp_path / "file" / "data"):
        pass


@pytest.mark.parametrize("port", [70000, -1])
def test_an_impossible_port_is_refused(port):
    """By the option's name, as other wrong options are."""
    with pytest.raises(ConfigError, match="--port"):
        Options(workers=1, port=port).check()
