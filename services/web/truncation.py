"""Whether an upload has arrived whole."""

from typing import BinaryIO

from pixo.imaging.ending import JPEG_END, PNG_END, Ending
from pixo.imaging.headers.jpeg import read_frame
from pixo.imaging.probe import Header

TAIL = 1 << 16
STEP = 1 << 20


def check(file: BinaryIO, size: int, header: Header) -> None:
    """Raise Refusal("truncated-file") when the file has no end.

    The end is looked for where it should be; only where it is not there, the whole file is looked through, since
    cameras put films and second images behind it.
    """
    if header.format in ("jpeg", "png"):
        # Behind thumbnails, which have ends of their own.
        first = read_frame(file).scan_at if header.format == "jpeg" else 0
        file.seek(max(first, size - TAIL))
        if (JPEG_END if header.format == "jpeg" else PNG_END) in file.read(TAIL):
            return
    ending = Ending()
    file.seek(0)
    while piece := file.read(STEP):
        ending.feed(piece)
    ending.check(header)
