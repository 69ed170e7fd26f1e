"""Files that appear whole or not at all."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex

from pixo.errors import PixoError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Return the path of a new file, which takes the target's place when the block ends, and goes when it raises.

    Where the target is a link, the file that it names is replaced; what is no file (a device, a pipe) is written to as
    it is. Raises PixoError where that cannot be.
    """
    try:
        place = target.resolve()
        if place.exists() and not place.is_file():
            yield place
            return
        part = place.with_name(f".{token_hex(6)}.part")  # short: the target's own name may be as long as names can be
        # A thread that the process does not wait for when it ends gets to no `finally`.
        at_exit = atexit.register(partial(_remove, part))
        try:
            yield part
            part.replace(place)
        finally:
            atexit.unregister(at_exit)
            _remove(part)
    except OSError as error:
        raise PixoError(f"cannot write {target}: {error.strerror}") from error


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)
