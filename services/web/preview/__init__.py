"""Small pictures of images, made by processes of their own.

An image is decoded for them, which the web role does for nothing else: a process that ends afterwards gives its
memory back, and one that hangs, grows or crashes takes no request with it.
"""

import os
import subprocess
import sys
from threading import Lock

import msgspec

from pixo import logs
from pixo.errors import Refusal, TryAgain
from pixo.settings import Store
from services.web.preview.answer import TRY_AGAIN, Wrong

LONGEST = 30.0
"""Seconds that one may take, half a gigapixel of PNG; and that a request waits for its turn."""
AGAIN = 5
"""Seconds after which one whose turn has not come may ask again."""
COMMAND = (sys.executable, "-m", "services.web.preview")

log = logs.logger(__name__)


class Previews:
    """Makes them, one at a time."""

    def __init__(self, store: Store) -> None:
        where = {f"PIXO_{name.upper()}": value for name, value in msgspec.structs.asdict(store).items()}
        self._environ = {**os.environ, **where}
        self._turn = Lock()

    def make(self, key: str, size: int) -> bytes:
        """Return a JPEG of at most ``size`` pixels a side of the image in a blob.

        Raises Refusal, "no-preview" where none can be made and "too-many-previews" when its turn does not come, and
        TryAgain when the store cannot be reached or the blob is going.
        """
        if not self._turn.acquire(timeout=LONGEST):
            raise Refusal("too-many-previews", "Too many previews are requested at once.", again=AGAIN)
        try:
            made = self._run(key, size)
        finally:
            self._turn.release()
        if made.returncode == 0:
            return made.stdout
        if made.returncode == TRY_AGAIN:
            raise TryAgain("store", made.stderr.decode(errors="replace").strip())
        try:
            wrong = msgspec.json.decode(made.stdout, type=Wrong)
        except msgspec.DecodeError as error:
            said = made.stderr.decode(errors="replace")[-2000:]
            log.error("preview failed", key=key, code=made.returncode, said=said)
            raise Refusal(
                "no-preview", "No preview of this image could be made; the reason is in the server's log."
            ) from error
        raise Refusal(wrong.kind, wrong.message, measured=wrong.measured, limit=wrong.limit)

    def _run(self, key: str, size: int) -> subprocess.CompletedProcess[bytes]:
        command = [*COMMAND, key, str(size), str(os.getpid())]
        try:
            return subprocess.run(
                command, env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Refusal("no-preview", "Making a preview of this image takes too long.", limit=LONGEST) from error
