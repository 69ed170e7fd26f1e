"""Signals: the first asks, the second ends."""

import os
import signal
import subprocess
import sys
import threading

from pixo.signals import EXIT_FORCED, Stop, stop_on_signals


def test_first_signal_asks_to_stop() -> None:
    """SIGTERM sets the stop; the handlers of before are back after the block."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(10)
        assert stop.is_set()

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_second_signal_ends_the_process() -> None:
    """A process that ignores the first wish is gone with the second, with a code of its own."""
    program = (
        "import os, signal\n"
        "from pixo.signals import stop_on_signals\n"
        "with stop_on_signals():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    raise SystemExit('still here')\n"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (EXIT_FORCED, b"")


def test_all_that_wait_are_woken() -> None:
    """Every thread that waits for the stop sees it; setting it twice is the same."""
    stop = Stop()
    seen: list[bool] = []
    waiting = [threading.Thread(target=lambda: seen.append(stop.wait(10))) for _ in range(3)]
    for thread in waiting:
        thread.start()

    stop.set()
    stop.set()
    for thread in waiting:
        thread.join(10)

    assert seen == [True] * 3
    assert stop.wait(0)


def test_waiting_ends_with_its_time() -> None:
    """A wait that is not answered says so."""
    assert Stop().wait(0.01) is False
