"""Write the preview of a blob to standard output: ``python -m services.web.preview KEY SIZE PARENT``."""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from pixo import lifeline, settings, store
from pixo.errors import BadImage, Refusal, TryAgain
from pixo.imaging.preview import preview
from pixo.store import NoSuchBlob
from services.web.preview.answer import REFUSED, TRY_AGAIN, Wrong

MOST = 420_000_000
"""Bytes that this process may ask for, whatever a decoder does: twice of what a WebP that is shown takes."""


def main(key: str, size: int) -> int:
    """Make it, and return the exit code."""
    blobs = store.open(settings.load(os.environ).store)
    try:
        with blobs.reader(key) as file:
            sys.stdout.buffer.write(preview(file, size))
    except Refusal as refusal:
        return _refused(Wrong(kind=refusal.kind, message=str(refusal), measured=refusal.measured, limit=refusal.limit))
    except BadImage as error:
        return _refused(Wrong(kind="bad-image", message=str(error)))
    except (TryAgain, NoSuchBlob) as error:
        sys.stderr.write(f"{error}\n")
        return TRY_AGAIN
    return 0


def _refused(wrong: Wrong) -> int:
    sys.stdout.buffer.write(msgspec.json.encode(wrong))
    return REFUSED


if __name__ == "__main__":
    _, blob, side, parent = sys.argv
    # Where memory runs out all the same, this process goes and not the one that it works for.
    with suppress(OSError):  # a kernel that has no such choice
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_DATA, (MOST, MOST))
    sys.exit(main(blob, int(side)) if lifeline.tie(int(parent)) else 1)
