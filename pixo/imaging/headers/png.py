"""What libvips does not tell of a PNG: the images of an animation, what its colours mean, its texts."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_CHUNKS = 10_000
"""Chunks before the pixels: a file of more is made to keep somebody busy."""
COLOURS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"mDCV": 24}
"""Chunks that tell what the numbers of pixels mean, and their sizes. (cLLI tells how bright the pixels are.)"""
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
OTHERWISE = (b"XML:com.adobe.xmp\0", b"Raw profile type ")
"""Texts that hold what is kept in another way (XMP), or what is not: ImageMagick's own form of other metadata."""
MOST_TEXT = 1 << 20
"""Bytes of all texts that are kept, compressed ones inflated: they are held in memory, by us and by readers."""
LONGEST_KEYWORD = 79
MOST_HELD = 16 << 20
"""Bytes of texts, profile and EXIF, inflated: libvips holds all of them, and most twice, once it opens the file."""
PACKED = frozenset({b"zTXt", b"iTXt", b"iCCP"})


class Notes(NamedTuple):
    """Chunks as they are in the file, by kind and contents."""

    colours: tuple[tuple[bytes, bytes], ...] = ()
    texts: tuple[tuple[bytes, bytes], ...] = ()


def count_frames(file: BinaryIO) -> int:
    """Return the frames of an animated PNG, 1 of any other; raise ValueError for too many chunks, or too large ones.

    What browsers show counts, and the picture for those that show no animation too, where it is none of the frames.
    """
    animation, shown, room = 0, False, MOST_HELD
    for kind, size in _chunks(file):
        if kind in TEXTS or kind in (b"iCCP", b"eXIf"):
            room -= size
            if room >= 0 and kind in PACKED:
                room -= _inflated(kind, file.read(size), room)
            if room < 0:
                raise ValueError(f"its texts, profile and EXIF have more than {MOST_HELD:,} bytes")
        if kind == b"acTL":
            animation = int.from_bytes(file.read(4))
        # Before the pixels, the control chunk of a frame makes them the first one.
        shown = shown or kind == b"fcTL"
    return animation + (not shown) if animation else 1


def read_notes(file: BinaryIO) -> Notes:
    """Read what stands before the pixels; chunks that decoders would warn of are left out.

    Those are broken ones, ones of another size, and second ones of a kind. Raises ValueError for too many chunks.
    """
    colours: dict[bytes, bytes] = {}
    texts: list[tuple[bytes, bytes]] = []
    room = MOST_TEXT
    for kind, size in _chunks(file):
        if kind in TEXTS and size <= room:
            data = _sound(file, kind, size)
            if not data or data.startswith(OTHERWISE):
                continue
            length = _legible(kind, data, room)
            room -= length or size
            if length and room >= 0:
                texts.append((kind, data))
        elif COLOURS.get(kind) == size and kind not in colours and (data := _sound(file, kind, size)):
            colours[kind] = data
    return Notes(tuple(colours.items()), tuple(texts))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Return kind and size of each chunk before the pixels, with the file standing at its contents."""
    at = 8
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        kind, size = head[4:], int.from_bytes(head[:4])
        # What comes after pixels counts for nothing.
        if len(head) < 8 or kind == b"IDAT":
            return
        yield kind, size
        at += 12 + size
    raise ValueError(f"it has more than {MOST_CHUNKS} chunks before its pixels")


def _inflated(kind: bytes, data: bytes, most: int) -> int:
    """Return the bytes that a chunk's compressed part makes, or ``most`` and one if they are more."""
    packed = _packed(kind, data.partition(b"\0")[2])
    return 0 if packed is None else _inflate(packed, most)[0]


def _legible(kind: bytes, data: bytes, most: int) -> int:
    """Return the bytes of a text, inflated, of which ``most`` are looked at; 0 for one that decoders would warn of."""
    keyword, _, text = data.partition(b"\0")
    if not 0 < len(keyword) <= LONGEST_KEYWORD or len(keyword) == len(data):
        return 0
    if kind == b"iTXt" and (text[:2] not in (b"\0\0", b"\1\0") or text.count(b"\0", 2) < 2):
        return 0
    if kind == b"zTXt" and text[:1] != b"\0":
        return 0
    packed = _packed(kind, text)
    if packed is None:
        return len(data)
    length, ended = _inflate(packed, most)
    return len(data) + length if ended or length > most else 0


def _packed(kind: bytes, text: bytes) -> bytes | None:
    """Return the compressed part of what follows a chunk's keyword; None where nothing is compressed."""
    if kind == b"iTXt":
        return text[2:].split(b"\0", 2)[-1] if text[:1] == b"\1" else None
    return text[1:] if kind in PACKED else None


def _inflate(packed: bytes, most: int) -> tuple[int, bool]:
    """Return how many bytes come out, up to ``most`` and one, and whether the stream ended; (0, False) if broken."""
    inflater = zlib.decompressobj()
    try:
        return len(inflater.decompress(packed, most + 1)), inflater.eof
    except zlib.error:
        return 0, False


def _sound(file: BinaryIO, kind: bytes, size: int) -> bytes:
    """Return a chunk's contents; empty where its checksum is wrong."""
    data = file.read(size + 4)
    return data[:size] if data[size:] == zlib.crc32(kind + data[:size]).to_bytes(4) else b""
