"""Whether an upload has arrived whole."""

from typing import BinaryIO

from pixo.imaging.ending import JPEG_END, PNG_END, Ending
from pixo.imaging.probe import Header

TAIL = 1 << 16
STEP = 1 << 20


def check(file: BinaryIO, size: int, header: Header) -> None:
    """Raise Refusal("truncated-file") when the file has no end.

    The end is looked for where it should be; only where it is not there, the whole file is looked through, since
    cameras put films and second images behind it.
    """
    if header.format in ("jpeg", "png"):
        first = _first_scan(file) if header.format == "jpeg" else 0
        file.seek(max(first, size - TAIL))
        if (JPEG_END if header.format == "jpeg" else PNG_END) in file.read(TAIL):
            return
    ending = Ending()
    file.seek(0)
    while piece := file.read(STEP):
        ending.feed(piece)
    ending.check(header)


def _first_scan(file: BinaryIO) -> int:
    """Give the place where a JPEG's first scan begins, behind thumbnails, which have ends of their own."""
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == 0xDA:
            return at
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:4])
