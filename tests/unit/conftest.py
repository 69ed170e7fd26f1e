"""What several unit tests begin with."""

import pytest

from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()
