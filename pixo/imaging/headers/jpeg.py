"""The frame of a JPEG: how it is coded, and where its height stands; and its comments."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

EOI, SOS, DHT, JPG, DAC, APP0, APP14, COM = 0xD9, 0xDA, 0xC4, 0xC8, 0xCC, 0xE0, 0xEE, 0xFE
SEQUENTIAL = frozenset({0xC0, 0xC1})
MOST_SEGMENTS = 10_000
MOST_STRAY = 1 << 18
"""Segments, and bytes between them in all, that are looked at: a file with more was made to keep the reader busy."""
MOST_HELD = 32 << 20
"""Bytes of all segments: libvips holds them, twice, once it opens the file."""
MOST_COMMENT = 1 << 20
"""Bytes of all comments that are kept: they are held in memory."""
# Markers that stand alone, without a length: TEM, RST0-7, SOI.
BARE = frozenset({0x01, *range(0xD0, 0xD9)})


class Frame(NamedTuple):
    """A JPEG's frame header and what decides how its colours are meant."""

    sof: int
    """The start-of-frame marker's second byte."""
    height_at: int
    """Offset of the two bytes with the height."""
    precision: int
    height: int
    width: int
    components: tuple[tuple[int, int, int], ...]
    """Each component's id, horizontal and vertical sampling factor."""
    jfif: bool
    transform: int | None
    """The colour transform of the Adobe segment, if there is one."""
    single_scan: bool
    scan_at: int
    """Offset of the first scan's entropy-coded data."""

    @property
    def sequential(self) -> bool:
        """Whether its rows can be decoded in order while reading, in bounded memory."""
        return self.sof in SEQUENTIAL and self.single_scan

    @property
    def luma_first(self) -> bool:
        """Whether the first component is the luma at full size, in 8 bits: gray, or YCbCr as commonly sampled."""
        if self.precision != 8:
            return False
        if len(self.components) == 1:
            return True
        if len(self.components) != 3 or not self._ycc:
            return False
        luma, *chroma = (component[1:] for component in self.components)
        return luma in {(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)} and chroma == [(1, 1), (1, 1)]

    @property
    def _ycc(self) -> bool:
        # The rules of libjpeg's default_decompress_parms, which every decoder follows.
        if self.jfif:
            return True
        if self.transform is not None:
            return self.transform != 0
        return bytes(component[0] for component in self.components) != b"RGB"


def read_frame(file: BinaryIO) -> Frame:
    """Read a JPEG's segments up to its first scan, skipping their contents.

    Raises ValueError if they are broken, or more than any camera or editor writes.
    """
    jfif, transform, frame = False, None, None
    for marker, length in _segments(file):
        end = file.tell() + length
        if marker == APP0:
            jfif = jfif or file.read(min(length, 5)) == b"JFIF\0"
        elif marker == APP14 and length >= 12:
            adobe = _read(file, 12)
            transform = adobe[11] if adobe.startswith(b"Adobe") else transform
        elif 0xC0 <= marker <= 0xCF and marker not in (DHT, JPG, DAC):
            frame = _frame(marker, file.tell(), _read(file, length))
        elif marker == SOS:
            if frame is None:
                raise ValueError("a scan comes before the frame")
            together = _read(file, 1)[0] == len(frame.components)
            return frame._replace(jfif=jfif, transform=transform, single_scan=together, scan_at=end)
    raise ValueError(f"it has more than {MOST_SEGMENTS} segments before its first scan")


def read_comments(file: BinaryIO) -> tuple[bytes, ...]:
    """Return what people and programs have noted before the first scan, in bytes, since nothing tells their encoding.

    What goes beyond a megabyte is left out. Raises ValueError as ``read_frame`` does.
    """
    comments = []
    room = MOST_COMMENT
    for marker, length in _segments(file):
        if marker == COM and length <= room:
            comments.append(_read(file, length))
            room -= length
        elif marker == SOS:
            break
    return tuple(comments)


def _segments(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Return marker and length of each segment, with the file standing at its contents; too many end it."""
    file.seek(2)
    allowance, room = iter(range(MOST_STRAY)), MOST_HELD
    for _ in range(MOST_SEGMENTS):
        marker = _next_marker(file, allowance)
        if marker in BARE:
            continue
        if marker == EOI:
            raise ValueError("it ends before its first scan")
        length = int.from_bytes(_read(file, 2)) - 2
        if length < 0:
            raise ValueError("a segment has no length")
        room -= length
        if room < 0:
            raise ValueError(f"its segments before its first scan have more than {MOST_HELD:,} bytes")
        end = file.tell() + length
        yield marker, length
        file.seek(end)


def _frame(marker: int, at: int, body: bytes) -> Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise ValueError("its frame header is too short")
    fields = body[6 : 6 + 3 * body[5]]
    components = tuple((fields[i], fields[i + 1] >> 4, fields[i + 1] & 15) for i in range(0, len(fields), 3))
    return Frame(
        sof=marker,
        height_at=at + 1,
        precision=body[0],
        height=int.from_bytes(body[1:3]),
        width=int.from_bytes(body[3:5]),
        components=components,
        jfif=False,
        transform=None,
        single_scan=False,
        scan_at=0,
    )


def _next_marker(file: BinaryIO, allowance: Iterator[int]) -> int:
    # Decoders pass over stray bytes between segments, and over fill bytes before a marker; a bound keeps a file of
    # nothing else from being read byte by byte.
    before = b""
    for _ in allowance:
        byte = _read(file, 1)
        if before == b"\xff" and byte != b"\xff":
            return byte[0]
        before = byte
    raise ValueError(f"it has more than {MOST_STRAY} bytes between its segments")


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise ValueError("it ends within its header")
    return data
