"""Tie a process to its parent, then become the command: ``launch.py PARENT COMMAND...``.

Run as a script by a bare interpreter, so that the parent needs no code between fork and exec, which is not safe
in a process with threads. On Linux the kernel then kills the command when its parent dies, however it dies.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the command, unless the parent is gone already."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the purpose of this file


if __name__ == "__main__":
    main()
