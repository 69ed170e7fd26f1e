"""The layout of a TIFF, from its first directory."""

import io
import struct

import pytest

from pixo.imaging.headers.tiff import read_layout

SHORT, LONG, LONG8, RATIONAL = 3, 4, 16, 5
SIZES = {SHORT: "H", LONG: "I", LONG8: "Q", RATIONAL: "I"}
RGB = {256: (LONG, 24576), 257: (LONG, 4096), 258: (SHORT, 8, 8, 8), 259: (SHORT, 8), 277: (SHORT, 3)}
TILED = {**RGB, 322: (LONG, 4096), 323: (LONG, 4096)}
STRIP = {**RGB, 278: (LONG, 4096)}


def directory(tags, order="<", *, big=False):
    """Give a TIFF of one directory and nothing else."""
    word, count = ("Q", "Q") if big else ("I", "H")
    size = struct.calcsize(f"={word}")
    start = 16 if big else 8
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(f"{order}HHHQ", 43, 8, 0, start) if big else struct.pack(f"{order}HI", 42, start)
    entries, after = struct.pack(order + count, len(tags)), b""
    end = start + len(entries) + len(tags) * (4 + 2 * size) + size
    for tag, (kind, *values) in tags.items():
        data = struct.pack(f"{order}{len(values)}{SIZES[kind]}", *values)
        if len(data) > size:
            data, after = struct.pack(order + word, end + len(after)), after + data
        entries += struct.pack(f"{order}HH{word}", tag, kind, len(values)) + data.ljust(size, b"\0")
    return head + entries + bytes(size) + after


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("tags", "held"),
    [
        (TILED, 24576 * 4096 * 3 + 2 * 4096 * 4096 * 3),
        ({**TILED, 259: (SHORT, 7)}, 24576 * 4096 * 3 + 4 * 4096 * 4096 * 3),
        ({**TILED, 257: (LONG, 40_000)}, 3 * 24576 * 4096 * 3 + 2 * 4096 * 4096 * 3),
        ({**TILED, 256: (LONG, 24577)}, 7 * 4096 * 4096 * 3 + 2 * 4096 * 4096 * 3),
        (STRIP, 0),
        (RGB, 0),
        ({**STRIP, 259: (SHORT, 7), 262: (SHORT, 6)}, 2 * 24576 * 4096 * 3),
        ({**RGB, 259: (SHORT, 7), 262: (SHORT, 6)}, 2 * 24576 * 4096 * 3),
        ({**STRIP, 278: (LONG, 1000), 284: (SHORT, 2)}, 3 * 24576 * 1000 * 3),
        ({**STRIP, 278: (LONG, (1 << 32) - 1), 284: (SHORT, 2)}, 2 * 24576 * 4096 * 3),
    ],
)
def test_what_is_held_whole(tags, held, order, big):
    """Rows of tiles; strips of planes and of YCbCr; other strips pass by rows."""
    assert read_layout(io.BytesIO(directory(tags, order, big=big))).held(3) == held


@pytest.mark.parametrize(
    ("tags", "packed"),
    [
        ({**STRIP, 278: (LONG, 1000)}, 90),
        ({**STRIP, 259: (SHORT, 1), 278: (LONG, 1000)}, 90),
        ({**STRIP, 259: (SHORT, 1)}, 0),
        ({**RGB, 259: (SHORT, 1)}, 0),
        ({**STRIP, 259: (SHORT, 1), 284: (SHORT, 2)}, 90),
        (TILED, 0),
    ],
)
def test_what_is_read_whole(tags, packed):
    """Strips are, but for a single one that is stored as it is."""
    assert read_layout(io.BytesIO(directory({**tags, 279: (LONG, 80, 90, 70)}))).packed == packed


def test_what_is_decoded_may_be_larger_than_what_is_stored():
    """Bits become bytes, and a palette its colours; four inks are held as they are."""
    bits = read_layout(io.BytesIO(directory({**TILED, 258: (SHORT, 1), 277: (SHORT, 1)})))
    assert (bits.pixel, bits.held(3)) == (1, read_layout(io.BytesIO(directory(TILED))).held(3))
    assert read_layout(io.BytesIO(directory({**TILED, 277: (SHORT, 4)}))).pixel == 4
    assert read_layout(io.BytesIO(directory({**TILED, 258: (SHORT, 16, 16, 16)}))).pixel == 6


def test_a_tag_counts_once_and_as_a_number_only():
    """As libtiff has it: a second entry of the same tag changes nothing, nor does one that is no whole number."""
    twice = directory({**TILED, 324: (LONG, 16)})
    twice = twice.replace(struct.pack("<HHII", 324, LONG, 1, 16), struct.pack("<HHII", 322, LONG, 1, 16))
    assert read_layout(io.BytesIO(twice)).tile == (4096, 4096)
    assert read_layout(io.BytesIO(directory({**TILED, 322: (RATIONAL, 1, 1)}))).tile == (24576, 4096)


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"MM\0+\0\x08\0\0" + (16).to_bytes(8) + b"\xff" * 8 + bytes(100),
        b"II*\0\x08\0\0\0\xff\xff" + bytes(100),
        directory(TILED)[:40],
        directory(TILED)[:-6],
    ],
)
def test_a_broken_directory_is_refused(data):
    """Whatever numbers stand in it, no more is read than a directory can hold."""
    with pytest.raises(ValueError, match=r"header|entries"):
        read_layout(io.BytesIO(data))


def test_any_bytes_are_read_or_refused():
    """A tag of zero or of the largest number harms nobody."""
    for tag in TILED:
        for value in (0, (1 << 32) - 1):
            layout = read_layout(io.BytesIO(directory({**TILED, tag: (LONG, value)})))
            assert layout.held(3) >= 0
    assert read_layout(io.BytesIO(directory({}))).held(3) == 0
