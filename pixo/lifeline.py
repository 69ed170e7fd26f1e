"""Tie a process to the life of its parent, so that nothing is left behind when that is killed. Linux only.

Also a script, ``lifeline.py PARENT COMMAND...``, that ties itself and becomes the command. Run by a bare interpreter:
the parent then needs no code between fork and exec, which is not safe in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> bool:
    """Have the kernel kill this process when the thread that forked it ends; False when the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def main() -> None:
    """Become the command, unless the parent is gone."""
    parent, *command = sys.argv[1:]
    if not tie(int(parent)):
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the purpose of this script


if __name__ == "__main__":
    main()
