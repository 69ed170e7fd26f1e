"""Waiting for what is bound to come, without guessing how long it takes."""

import time
from collections.abc import Callable

import pytest

PATIENCE = 300.0
"""Seconds that anything may take on a machine that others use as well."""


def until(true: Callable[[], object], what: str, patience: float = PATIENCE, *, polls: bool = False) -> float:
    """Return once the condition holds, with the seconds that took; fail, with the last answer, when it stays untrue.

    Between two looks is a pause, unless the condition itself ``polls``.
    """
    start = time.monotonic()
    while True:
        began = time.monotonic()
        answer = true()
        now = time.monotonic()
        if answer:
            return now - start
        if now - start > patience:
            pytest.fail(f"not within {patience:g} s: {what}; {answer!r}")
        if not polls:
            time.sleep(max(0.05, 2 * (now - began)))  # what costs much to ask is asked less often
