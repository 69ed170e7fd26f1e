"""A child of `pixo up`: alone in its session, heard by lines, gone when it should be."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.standalone.children import LAUNCH, Child, Launch, exit_text, rss

SLEEP = "import time; time.sleep(600)"


def python(code, **environ):
    """Give the launch of a bare Python with this code."""
    return lambda: Launch([sys.executable, "-S", "-u", "-c", code], {**os.environ, **environ})


def alive(pid):
    """Tell whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, patience=10.0):
    """Return whether the condition comes true in time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)  # between two looks
    return False


def test_lines_and_exit_code_are_passed_on():
    """Each line of stdout and stderr is shown under the child's name, and its exit code is given."""
    shown = []

    async def run():
        code = "import os; print('one'); os.write(2, b'two\\nthr\\xffee'); raise SystemExit(3)"
        child = Child("x", python(code), lambda name, line: shown.append((name, line)))
        await child.start()
        return await child.ended(), child.last_words

    assert asyncio.run(run()) == (3, "")
    assert shown == [("x", "one"), ("x", "two"), ("x", "thr\ufffdee")]


def test_a_child_that_cannot_be_started_is_not_running():
    """Nobody is frozen, told to end or waited for in its place: not this process, which has the number 0 to itself."""

    async def run():
        child = Child("x", lambda: Launch(["true", "x" * (1 << 20)], {}), None)  # more than the kernel takes
        with pytest.raises(OSError, match="too long"):
            await child.start()
        assert not child.running
        assert await child.stop(patience=0.1)

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="others ask ps")
def test_memory_of_a_process_that_has_ended(monkeypatch):
    """It holds none, also where there is no ps to ask."""
    monkeypatch.setenv("PATH", "")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert rss(child.pid) == 0
    assert rss(os.getpid()) > 1 << 20


def test_unheard_child_keeps_its_last_words():
    """A child that is shown to nobody has its last line kept for when it crashes."""

    async def run():
        child = Child("x", python("print('a'); print('b')"), None)
        await child.start()
        await child.ended()
        return child.last_words

    assert asyncio.run(run()) == "b"


def test_environment_is_asked_anew_for_each_start():
    """A new start may have a new environment."""
    shown = []
    turns = iter("12")

    async def run():
        def launch():
            return python("import os; print(os.environ['TURN'])", TURN=next(turns))()

        child = Child("x", launch, lambda _, line: shown.append(line))
        for _ in range(2):
            await child.start()
            await child.ended()

    asyncio.run(run())
    assert shown == ["1", "2"]


def test_stop_asks_first():
    """A child that ends on SIGTERM is not killed."""

    async def run():
        child = Child("x", python(SLEEP), None)
        await child.start()
        return await child.stop(10), await child.ended(), child.running

    assert asyncio.run(run()) == (True, -signal.SIGTERM, False)


def test_stop_kills_when_patience_ends():
    """A child that does not listen to SIGTERM is killed, and this is told."""
    shown = asyncio.Queue()

    async def run():
        deaf = f"import signal; signal.signal(15, signal.SIG_IGN); print('deaf'); {SLEEP}"
        child = Child("x", python(deaf), lambda *line: shown.put_nowait(line))
        await child.start()
        await shown.get()
        return await child.stop(0.1), await child.ended()

    assert asyncio.run(run()) == (False, -signal.SIGKILL)


def test_a_frozen_child_can_be_stopped():
    """A frozen child is thawed to hear that it shall end."""

    async def run():
        child = Child("x", python(SLEEP), None)
        await child.start()
        child.freeze()
        return await child.stop(10), await child.ended()

    assert asyncio.run(run()) == (True, -signal.SIGTERM)


def test_its_session_ends_with_it():
    """What a child has started in its session is gone when the child has ended."""
    shown = asyncio.Queue()

    async def run():
        code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', '{SLEEP}']); print(p.pid); {SLEEP}"
        child = Child("x", python(code), lambda _, line: shown.put_nowait(line))
        await child.start()
        grandchild = int(await shown.get())
        os.kill(child.pid, signal.SIGKILL)
        await child.ended()
        return grandchild

    grandchild = asyncio.run(run())
    assert wait_for(lambda: not alive(grandchild))


def test_a_child_dies_with_its_parent():
    """A child is killed when its parent is killed with -9."""
    child = f"[sys.executable, {str(LAUNCH)!r}, str(os.getpid()), sys.executable, '-c', '{SLEEP}']"
    code = (
        f"import os, subprocess, sys; p = subprocess.Popen({child}, start_new_session=True);"
        "print(p.pid, flush=True); p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with parent:
        pid = int(parent.stdout.readline())
        # It has become its command once the launcher's name is gone.
        assert wait_for(lambda: b"lifeline.py" not in Path(f"/proc/{pid}/cmdline").read_bytes())
        assert alive(pid)
        parent.kill()

    assert wait_for(lambda: not alive(pid))


def test_exit_codes_in_words():
    """A signal is named, a code is a number."""
    assert exit_text(1) == "exit code 1"
    assert exit_text(-9) == "killed by SIGKILL"
    assert exit_text(-99) == "killed by signal 99"
