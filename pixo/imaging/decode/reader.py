"""What every reader promises."""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pixo.errors import PixoError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class Rewind(PixoError):
    """Raised when rows are asked for that a reader has passed and let go; open a new one."""


class Rows(Protocol):
    """What gives rows from top to bottom; used by one thread at a time."""

    def rows(self, top: int, bottom: int) -> Pixels:
        """Return rows ``[top, bottom)`` as (bottom - top, width, channels), to be read until the next call.

        ``top`` is never less than it was in the call before, except where Rewind is taken into account: what lies
        further up is gone. Raises BadImage if the pixels are damaged or end too early.
        """
        ...


class Reader(Rows, Protocol):
    """One pass over an image."""

    def close(self) -> None:
        """Let everything go; more than once does no harm."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
