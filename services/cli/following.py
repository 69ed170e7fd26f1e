"""Follow a job to its end, showing its tiles."""

import time
from collections.abc import Callable

from services.cli.api import ENDED, Api, Document

SLICE = 0.5
"""Seconds that the server may hold an answer back for the end to come."""
PAUSE = 0.2
"""Seconds between two questions at least, for a server that does not hold answers back."""


def follow(api: Api, job: Document, show: Callable[[Document], object]) -> Document:
    """Return the job as it ended; ``show`` sees each state on the way."""
    show(job)
    while job["status"] not in ENDED:
        asked = time.monotonic()
        job = api.job(job["id"], wait=SLICE)
        show(job)
        if job["status"] not in ENDED:
            time.sleep(max(0.0, PAUSE - (time.monotonic() - asked)))
    return job
