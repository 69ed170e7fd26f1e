"""Every error that Pixo raises on purpose; the class says what the one who catches it does.

PixoError
  ConfigError    a setting is wrong: the role stops and names it
  Refusal        somebody asked for what can't be done: tell them, lose nothing
  BadImage       the image cannot be processed: its job fails, the user is told
    BadPiece     one finished tile is not what was written: make that tile again
  BadRecord      a message cannot be understood: never retried, dead-lettered
  TryAgain       a part is out of reach for now: wait, then do the same again
  Fatal          this process cannot go on: it exits with 1 and is started anew
"""


class PixoError(Exception):
    """Base of all errors that Pixo raises on purpose."""


class ConfigError(PixoError):
    """Raised when a setting has a value that is not allowed, or what is installed is not what is needed."""


class Refusal(PixoError):
    """Raised when a request is not taken.

    ``kind`` is a stable kebab-case name (``too-many-pixels``); the message is one sentence for people.
    ``measured``, ``limit`` and ``setting`` (the variable that moves the limit) are None where they mean nothing, and so
    is ``again``, the seconds after which it may be asked once more.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        measured: object = None,
        limit: object = None,
        setting: str | None = None,
        again: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.measured = measured
        self.limit = limit
        self.setting = setting
        self.again = again


class BadImage(PixoError):
    """Raised when the pixels of an accepted image cannot be decoded or processed; the message is for its owner."""


class BadPiece(BadImage):
    """Raised when the stored segment of a tile is broken, or missing among those handed over for the join."""

    def __init__(self, tile: int, message: str) -> None:
        super().__init__(f"tile {tile}: {message}")
        self.tile = tile


class BadRecord(PixoError):
    """Raised when the bytes of a record are not what they should be; ``raw`` keeps them."""

    def __init__(self, message: str, raw: bytes) -> None:
        super().__init__(message)
        self.raw = raw


class TryAgain(PixoError):
    """Raised when a part (``kafka``, ``redis``, ``store``) is out of reach, or another ``tile`` in the way, for now."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


class Fatal(PixoError):
    """Raised when a process cannot mend itself (fenced, stalled, not allowed): it must be started anew."""
