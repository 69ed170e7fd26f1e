"""List dead letters, newest first, or replay them; the settings are PIXO_* variables."""

from pixo.letters.command import arguments, run

__all__ = ["arguments", "run"]
