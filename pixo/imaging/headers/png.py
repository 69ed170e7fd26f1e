"""The number of images in a PNG: libvips reads the first of an animation and says nothing of the others."""

from typing import BinaryIO

MOST_CHUNKS = 10_000
"""Chunks before the pixels: a file of more is made to keep somebody busy."""


def count_frames(file: BinaryIO) -> int:
    """Give the frames of an animated PNG, 1 of any other; raise ValueError for too many chunks.

    What browsers show counts, and the picture for those that show no animation too, where it is none of the frames.
    """
    animation, shown = 0, False
    at = 8
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        kind = head[4:]
        # An acTL that comes after pixels counts for nothing.
        if len(head) < 8 or kind == b"IDAT":
            return animation + (not shown) if animation else 1
        if kind == b"acTL":
            animation = int.from_bytes(file.read(4))
        # Before the pixels, the control chunk of a frame makes them the first one.
        shown = shown or kind == b"fcTL"
        at += 12 + int.from_bytes(head[:4])
    raise ValueError(f"it has more than {MOST_CHUNKS} chunks before its pixels")
