"""A terminal that is redrawn in place, and restored afterwards."""

import shutil
import sys
from collections.abc import Sequence
from typing import Self, TextIO

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _TO_LINE_END, _TO_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """The terminal's second page, without a cursor; a context manager that gives the first one back."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def show(self, lines: Sequence[str]) -> None:
        """Show as many lines as there is room for, each cut at the edge; nothing is erased first: no flicker."""
        width, height = shutil.get_terminal_size()
        fitting = [line[:width] + _TO_LINE_END for line in lines[:height]]
        self._stream.write(_HOME + "\r\n".join(fitting) + _TO_END)
        self._stream.flush()

    def __enter__(self) -> Self:
        self._stream.write(_ENTER)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.write(_LEAVE)
        self._stream.flush()
