"""The heap is given back: looked at from outside, in a process of its own."""

import subprocess
import sys

FREED = """
import sys
from services.worker import heap

def resident():
    return int(open("/proc/self/statm").read().split()[1]) << 2  # KiB, of pages of 4 KiB

pieces = [bytes([1]) * (64 << 10) for _ in range(3200)]  # 200 MiB, each too small for a mapping of its own
del pieces[:-1]  # the last one lies above all others
before = resident()
heap.trim()
print(before - resident() >> 10)
"""


def test_what_is_free_goes_back() -> None:
    """Also from below what is still in use."""
    done = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True)
    assert int(done.stdout) > 150
