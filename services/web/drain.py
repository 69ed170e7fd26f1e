"""Reading the rest of a refused upload, so that the client gets to read the response.

Closing a connection with unread bytes makes the kernel reset it, and the answer that is under way is lost.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pixo.errors import Refusal
from services.web import intake

LONGEST = 10.0
MOST = 1 << 28


def drain(environ: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
    """Read and forget what is left of the request's body, for a bounded time and up to a bounded size."""
    if not environ.get("wsgi.input_terminated"):
        return
    if socket := environ.get("gunicorn.socket"):
        socket.settimeout(LONGEST)
    deadline, left = clock() + LONGEST, MOST
    with suppress(OSError, Refusal):  # it stands still, or its sender is gone
        for piece in intake.read(environ):
            left -= len(piece)
            if left <= 0 or clock() > deadline:
                return
