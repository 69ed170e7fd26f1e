"""Whether an upload is complete, judged by its end marker while it streams by."""

from pixo.errors import Refusal
from pixo.imaging.headers.jpeg import BARE, SOS
from pixo.imaging.probe import Header

PNG_END = b"IEND\xaeB`\x82"
JPEG_END = b"\xff\xd9"


class Ending:
    """Looks for a file's end marker in the chunks that are fed to it; bytes after the marker do not matter.

    A JPEG needs an end-of-image marker after its first scan begins (thumbnails before it have markers of their
    own), a PNG its IEND chunk, a WebP the length that its first bytes declare. Other formats pass.
    """

    def __init__(self) -> None:
        self._size = 0
        self._head = b""
        self._tail = b""
        self._segment = 2
        self._scanning = False
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        if len(self._head) < 12:
            self._head += chunk[: 12 - len(self._head)]
        if not self._ended:
            # A mark may lie across two chunks, and so may a segment's first four bytes.
            start, data = self._size - len(self._tail), self._tail + chunk
            if self._head.startswith(b"\xff\xd8"):
                self._jpeg(start, data)
            else:
                self._ended = PNG_END in data
            self._tail = data[-8:]
        self._size += len(chunk)

    def check(self, header: Header) -> None:
        """Raise Refusal ``truncated-file`` if the file of this header has no end."""
        if header.format in ("jpeg", "png") and not self._ended:
            raise self._refusal(header, "its end marker is missing")
        if header.format == "webp" and self._size < (declared := 8 + int.from_bytes(self._head[4:8], "little")):
            raise self._refusal(header, f"{declared} bytes are declared")

    def _refusal(self, header: Header, why: str) -> Refusal:
        return Refusal(
            "truncated-file",
            f"This {header.format.upper()} is cut off after {self._size} bytes: {why}. Please upload it again.",
            measured=self._size,
        )

    def _jpeg(self, start: int, data: bytes) -> None:
        """Follow the segments from their lengths up to the first scan; then any end-of-image marker is the end."""
        while not self._scanning:
            at = self._segment - start
            if at + 4 > len(data):
                return
            if at < 0 or data[at] != 0xFF:
                # Stray bytes between segments: from here on every marker counts.
                self._scanning = True
            elif data[at + 1] == 0xFF:
                self._segment += 1
            elif data[at + 1] == SOS:
                self._scanning = True
            elif data[at + 1] in BARE:
                self._segment += 2
            else:
                self._segment += 2 + int.from_bytes(data[at + 2 : at + 4])
        self._ended = data.find(JPEG_END, max(0, self._segment - start)) >= 0
