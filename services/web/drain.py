"""Reading the rest of a refused upload, so that its sender gets to read the answer.

Closing a connection with unread bytes makes the kernel reset it, and the answer that is under way is lost.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

LONGEST = 10.0
MOST = 1 << 28
STEP = 1 << 20


def drain(environ: Mapping[str, Any], clock: Any = time.monotonic) -> None:
    """Read and forget what is left of the request's body, for a bounded time and up to a bounded size."""
    if not environ.get("wsgi.input_terminated"):
        return
    deadline, left = clock() + LONGEST, MOST
    with suppress(OSError):  # it stands still, or its sender is gone
        while left > 0 and clock() < deadline:
            chunk = environ["wsgi.input"].read(STEP)
            if not chunk:
                return
            left -= len(chunk)
