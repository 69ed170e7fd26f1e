"""The segment of a PNG tile: what its worker hands to the joiner, and PNG's chunks.

A segment is 20 bytes and then IDAT chunks that go into the file as they are:

    4  mark  b"Pixo"
    4  Adler-32 of the tile's filtered rows
    8  their length in bytes
    4  CRC-32 of these 16 bytes
    …  IDAT chunks: raw deflate from a fresh compressor, ended by a flush at a byte's border

Numbers are big-endian, as everywhere in PNG.
"""

import struct
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

from isal import isal_zlib

MARK = b"Pixo"
_HEAD = struct.Struct(">4sIQ")
_CHUNK = struct.Struct(">I4s")
_CRC = struct.Struct(">I")


class Segment(NamedTuple):
    """A tile's filtered rows, deflated: Adler-32 and length of the rows, and the chunks."""

    adler: int
    length: int
    chunks: memoryview


def chunk(kind: bytes, data: bytes) -> bytes:
    """Make one PNG chunk: length, kind, data, CRC."""
    crc = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((_CHUNK.pack(len(data), kind), data, _CRC.pack(crc)))


def pack(deflated: Sequence[bytes], adler: int, length: int) -> bytes:
    """Make a segment of the deflated rows of a tile, which come in parts: of noise they are as large as its pixels."""
    head = _HEAD.pack(MARK, adler, length)
    start = _CHUNK.pack(sum(map(len, deflated)), b"IDAT")
    crc = reduce(lambda crc, part: isal_zlib.crc32(part, crc), deflated, isal_zlib.crc32(b"IDAT"))
    return b"".join((head, _CRC.pack(isal_zlib.crc32(head)), start, *deflated, _CRC.pack(crc)))


def unpack(piece: bytes) -> Segment:
    """Take a segment apart; raises ValueError unless it is whole: all chunks there, each with the right CRC."""
    start = _HEAD.size + _CRC.size
    if len(piece) < start:
        raise ValueError("the segment is cut off")
    mark, adler, length = _HEAD.unpack_from(piece)
    if mark != MARK:
        raise ValueError("this is not a PNG segment")
    if _CRC.unpack_from(piece, _HEAD.size)[0] != isal_zlib.crc32(piece[: _HEAD.size]):
        raise ValueError("the segment's checksum is wrong")
    chunks = memoryview(piece)[start:]
    _check(chunks)
    return Segment(adler, length, chunks)


def _check(chunks: memoryview) -> None:
    position = 0
    while position < len(chunks):
        if len(chunks) - position < _CHUNK.size + _CRC.size:
            raise ValueError("the segment is cut off")
        size, kind = _CHUNK.unpack_from(chunks, position)
        end = position + _CHUNK.size + size
        if kind != b"IDAT" or end + _CRC.size > len(chunks):
            raise ValueError("the segment is cut off")
        if _CRC.unpack_from(chunks, end)[0] != isal_zlib.crc32(chunks[position + 4 : end]):
            raise ValueError("the segment's checksum is wrong")
        position = end + _CRC.size
    if not position:
        raise ValueError("the segment holds no pixels")
