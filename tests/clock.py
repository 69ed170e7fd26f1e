"""Time that a test moves."""


class Clock:
    """A clock that stands still until ``now`` is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the time, in seconds."""
        return self.now
