"""The `pixo` command as a whole: help, errors, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixo import __version__
from services.cli.__main__ import COMMANDS, main


def test_help_names_every_command(capsys):
    """`pixo --help` shows all commands."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_help_needs_no_library():
    """The overview imports nothing large, so that it is there at once."""
    code = (
        "import sys; sys.argv = ['pixo', '--help']; from services.cli.__main__ import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'cv2', 'httpx', 'pyvips', 'confluent_kafka', 'redis', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    """Each command tells its options and ends with 0."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"pixo {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["nonsense"], ["watch"], ["topics", "delete"], ["up", "--workers", "many"]])
def test_wrong_usage_is_2(words, capsys):
    """What cannot be understood ends with 2 and says why on stderr."""
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert "usage: pixo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["submit", "/no/such.jpg"], "pixo submit: /no/such.jpg: no such file"),
        (["submit", "."], "pixo submit: .: is a folder; name the images in it, as by *.jpg"),
        (["apply", ".", "-o", "x.jpg"], "pixo apply: .: is a folder; name the images in it, as by *.jpg"),
        (
            ["submit", __file__, "-o", "-"],
            "pixo submit: -o -: results go to files; `pixo apply` writes to standard output",
        ),
        (["submit", __file__, "-j", "0"], "pixo submit: -j 0: must be at least 1"),
        (["submit", __file__, "--quality", "0"], "pixo submit: --quality 0: must be a whole number from 1 to 100"),
        (["up", "--workers", "0"], "pixo up: --workers 0: must be at least 1"),
        (["up", "--kafka", "somewhere"], "pixo up: --kafka somewhere: must be apache or HOST:PORT"),
    ],
)
def test_wrong_values_are_one_line(words, said, capsys, tmp_path, monkeypatch):
    """A value that is not allowed ends with 2 and one line, without a traceback."""
    monkeypatch.chdir(tmp_path)

    assert main(words) == 2
    assert capsys.readouterr().err.splitlines() == [said]


@pytest.mark.parametrize("server", ["localhost:5001", "ftp://there", "http://[bad", "http://", "there", "http://a:b"])
def test_an_address_that_is_none_is_refused_at_once(server, capsys):
    """Whoever leaves http:// out is told so, and does not wait for a server that cannot be."""
    assert main(["jobs", "--server", server]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "begin with http://" in line


def test_a_token_that_no_header_can_carry_is_refused(capsys):
    """Tokens are ASCII."""
    assert main(["jobs", "--server", "http://127.0.0.1:1", "--token", "жетон"]) == 2
    assert "ASCII" in capsys.readouterr().err


@pytest.mark.parametrize(("end", "code"), [("/dev/full", 1), (None, 141)])
def test_output_that_cannot_be_written_is_no_traceback(end, code):
    """A full disk is one line and exit code 1, a reader that has gone 141, also where Python buffers."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    words = [sys.executable, "-m", "services.cli", "filters"]
    if end:
        with Path(end).open("w") as out:
            done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, env=environ, text=True, check=False)
    else:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, env=environ, text=True, check=False)
        os.close(writing)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (1 if end else 0)


def test_ctrl_c_before_a_command_has_begun(monkeypatch, capsys):
    """Libraries take a second to load: who changes their mind then sees no traceback either."""

    def load(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", load)
    assert main(["apply", "a.jpg", "-o", "b.jpg"]) == 130
    assert capsys.readouterr().err == "pixo apply: interrupted\n"


def test_nobody_there_is_one_line(capsys):
    """A server that is not there is one line with its address, and exit code 1."""
    assert main(["jobs", "--server", "http://127.0.0.1:1"]) == 1
    shown = capsys.readouterr().err
    assert shown == "pixo jobs: cannot reach http://127.0.0.1:1 (Connection refused); is it running?\n"


def test_a_wrong_setting_is_named(capsys, monkeypatch):
    """A PIXO_ variable with a wrong value is named, and the exit code is 2."""
    monkeypatch.setenv("PIXO_PORT", "many")

    assert main(["jobs"]) == 2
    assert capsys.readouterr().err.startswith("pixo jobs: PIXO_PORT='many': ")


def test_version(capsys):
    """`pixo version` prints the version."""
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"pixo {__version__}\n"
