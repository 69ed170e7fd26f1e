"""One child process: in a session of its own, tied to this process' life, its output passed on by lines."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pixo import lifeline

LAUNCH = Path(lifeline.__file__)
LONGEST_LINE = 1 << 16


class Launch(NamedTuple):
    """How a child is started this time."""

    command: list[str]
    environ: dict[str, str]


class Child:
    """A child that can be started again; ``launch`` is asked anew each time. Lives in one event loop.

    When it ends, whatever else is in its session is killed, so that a new start finds a clean place.
    """

    def __init__(self, name: str, launch: Callable[[], Launch], show: Callable[[str, str], None] | None) -> None:
        self.name = name
        self.pid = 0
        self.last: deque[str] = deque(maxlen=20)
        """Its last lines of output."""
        self.dismissed = False
        """Whether its end is wanted, so that nobody wonders."""
        self._launch = launch
        self._show = show
        self._code: asyncio.Future[int] | None = None
        self._silence = asyncio.Event()

    async def start(self) -> None:
        """Start it; raise OSError where it cannot be started, which leaves it ended."""
        command, environ = self._launch()
        # The kernel ties a child to the thread that forked it: this one, the loop's, lives to the end.
        process = subprocess.Popen(  # noqa: ASYNC220 - forking takes a few milliseconds
            [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
        loop = asyncio.get_running_loop()
        self.pid, self._code, self._silence = process.pid, loop.create_future(), asyncio.Event()
        self.last.clear()
        self.dismissed = False
        threading.Thread(target=_wait, args=(process, loop, self._code), daemon=True).start()
        await loop.connect_read_pipe(lambda: _Lines(self._hear, self._silence.set), process.stdout)

    @property
    def last_words(self) -> str:
        """What it said last, if nobody has heard it."""
        return self.last[-1] if self.last and not self._show else ""

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._code is not None and not self._code.done()

    async def ended(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        if self._code is None:
            raise RuntimeError(f"{self.name} was never started")
        code = await asyncio.shield(self._code)
        with contextlib.suppress(TimeoutError):  # its last words; whoever left its session may hold the pipe
            await asyncio.wait_for(self._silence.wait(), 1)
        return code

    def freeze(self) -> None:
        """Stop its session's processes in their tracks."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let frozen processes go on."""
        self._signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """End its session's processes at once."""
        self._signal_all(signal.SIGKILL)

    def dismiss(self) -> None:
        """End it at once, for its keeper to start it anew."""
        self.dismissed = True
        self.kill()

    async def stop(self, patience: float) -> bool:
        """Ask it to end and wait; after so many seconds kill it. False when that was needed."""
        if not self.running:
            return True
        self.thaw()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), patience)
        except TimeoutError:
            self.kill()
            await self.ended()
            return False
        return True

    def _signal_all(self, number: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _hear(self, line: str) -> None:
        self.last.append(line)
        if self._show:
            self._show(self.name, line)


def exit_text(code: int) -> str:
    """Say an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def rss(pid: int) -> int:
    """Return the memory in bytes that a process holds, 0 when it is not there."""
    if sys.platform != "linux":
        answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)
        return int(answer.stdout or 0) * 1024
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _wait(process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, code: asyncio.Future[int]) -> None:
    """Wait for the end in a thread, clear the session while its number is surely still the child's, reap."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    number = process.wait()
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
        loop.call_soon_threadsafe(code.set_result, number)


class _Lines(asyncio.Protocol):
    """Cuts output into lines; one that is too long comes in parts."""

    def __init__(self, hear: Callable[[str], None], end: Callable[[], None]) -> None:
        self._hear = hear
        self._end = end
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._hear(line.decode(errors="replace").rstrip("\r"))

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self._rest:
            self._hear(self._rest.decode(errors="replace"))
        self._end()
