"""Whether the parts that the web role stands on answer; asked at most once a second each."""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from pixo.errors import TryAgain

FRESH = 1.0
"""Seconds for which an answer counts."""


class Reach:
    """Knows how to ask each part (``kafka``, ``redis``, ``store``); the question raises TryAgain."""

    def __init__(
        self, questions: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._questions = dict(questions)
        self._clock = clock
        self._locks = {part: Lock() for part in self._questions}
        self._answers: dict[str, tuple[float, TryAgain | None]] = {}

    @property
    def parts(self) -> list[str]:
        """The names of the parts."""
        return list(self._questions)

    def require(self, *parts: str) -> None:
        """Raise TryAgain for the first of these parts, or of all, that does not answer."""
        for part in parts or self._questions:
            # One asks, the others wait for what it hears.
            with self._locks[part]:
                asked, error = self._answers.get(part, (float("-inf"), None))
                if self._clock() - asked > FRESH:
                    error = self._ask(part)
            if error is not None:
                raise TryAgain(error.part, str(error)) from error

    def _ask(self, part: str) -> TryAgain | None:
        error: TryAgain | None = None
        try:
            self._questions[part]()
        except TryAgain as caught:
            error = caught
        self._answers[part] = (self._clock(), error)
        return error
