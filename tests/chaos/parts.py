"""A process that a test kills, freezes and starts again, as often as it likes."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pixo.ticker import Ticker
from tests.waiting import until

PATIENCE = 180.0
"""Seconds that anything may take on a machine that others use as well."""


class Part:
    """A server or a role; ``ready`` says whether it answers. All its lives write to one log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.ready = ready
        self.faults = ""
        """``PIXO_FAULTS`` of its next lives."""
        self.codes: list[int] = []
        """How its lives ended."""
        self._environ = {**os.environ, **(environ or {})}
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """The pid of its present life; 0 when it has none."""
        process = self._process
        return process.pid if process else 0

    @property
    def alive(self) -> bool:
        """Whether it runs, or is frozen."""
        with self._lock:
            if self._process is not None and (code := self._process.poll()) is not None:
                self.codes.append(code)
                self._process = None
            return self._process is not None

    def start(self) -> None:
        """Start it, unless it lives; do not wait."""
        with self._lock:
            if self.alive:
                return
            environ = {**self._environ, **({"PIXO_FAULTS": self.faults} if self.faults else {})}
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command, env=environ, stdout=output, stderr=output, start_new_session=True
                )

    def up(self, patience: float = PATIENCE) -> None:
        """Start it and return once it answers; fail with its log when it ends first."""
        self.start()
        until(lambda: not self.alive or self.ready(), f"{self.name} is ready", patience)
        if not self.alive:
            pytest.fail(f"{self.name} ended with {self.codes[-1]}:\n{self.tail()}")

    def kill(self) -> None:
        """End it and all in its session at once, as a container ends."""
        with self._lock:
            if self.alive and self._process:
                os.killpg(self._process.pid, signal.SIGKILL)
                self.codes.append(self._process.wait())
                self._process = None

    def terminate(self) -> None:
        """Ask it to end, as Kubernetes does first."""
        os.kill(self.pid, signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it in its tracks."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def wait(self, patience: float = PATIENCE) -> int:
        """Return its exit code when it has ended."""
        until(lambda: not self.alive, f"{self.name} has ended", patience)
        return self.codes[-1]

    def stop(self) -> None:
        """Ask it to end, even a frozen one; kill it when that takes too long."""
        end([self])

    def give_up(self, patience: float = 30.0) -> None:
        """Return when it has ended as it was asked to; kill it when that takes too long."""
        deadline = time.monotonic() + patience
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)  # between two looks
        self.kill()

    def tail(self, size: int = 6000) -> str:
        """Give its last words."""
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""


def end(parts: Sequence[Part]) -> None:
    """Ask all of them to end, once, frozen ones too, and wait; a second SIGTERM would end them hard."""
    for part in parts:
        if part.alive:
            part.thaw()
            part.terminate()
    for part in parts:
        part.give_up()


def restart(faults: Mapping[Part, str]) -> None:
    """End parts well and start them anew with these faults; return once all answer."""
    end(list(faults))
    for part, spec in faults.items():
        part.faults = spec
        part.start()
    for part in faults:
        part.up()


class Keeper(Ticker):
    """Starts parts that have ended again, as Kubernetes does, with the faults they had; a context manager."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__("keeper", 0.1, self.turn)
        self._parts = list(parts)

    def turn(self) -> None:
        """Start those that have ended."""
        for part in self._parts:
            part.start()
