"""The little of EXIF that Pixo touches: orientation, size, resolution, texts, and the picture within the picture.

An EXIF block is ``Exif``, two zero bytes, and a TIFF file of its own: a byte order, the offset of directory 0, and
in each directory a count, entries of 12 bytes (tag, type, count, value or its offset), and the offset of the next
directory. Directory 1, where there is one, describes a thumbnail.
"""

import struct
from collections.abc import Mapping
from contextlib import suppress

PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_ACROSS, _DOWN, _UNIT = 0x011A, 0x011B, 0x0128
"""Tags of the resolution."""
_EXIF = 0x8769
"""The tag that says where the directory of the photograph's own tags stands."""
_SIZES = ((0x0100, 0x0101), (0xA002, 0xA003))
"""Tags of width and height: in directory 0, where some cameras write them, and in the photograph's own."""
_THUMBNAILS = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Tags of where a thumbnail stands and how long it is: as a JPEG, and uncompressed in one strip."""
INTEGERS = {1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4}
"""Bytes of a whole number, by its type; editors write others than the right one."""
TEXTS = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298})
"""Tags of texts that EXIF and TIFF share: description, make, model, software, date and time, artist, copyright."""
MOST_TEXT = 8192
"""Bytes of one text: all of them together fit into a JPEG."""
_LAYOUTS = (b"<?xml", b"<OME", b"ImageJ=", b"{", b"Aperio")
"""How descriptions begin that say to programs how the pixels of that very file lie, which are no more those."""
ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_HEADER, _ENTRY = 8, 12
MOST_ENTRIES = 65_532
"""Entries of a directory that three more can be put into: their number has 16 bits."""
_PER_MM = {2: 1 / 25.4, 3: 1 / 10}
"""What one a millimetre is, by the unit of the resolution: inch and centimetre."""


def minimal(orientation: int) -> bytes:
    """Make an EXIF block that holds nothing but the orientation (1-8)."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    return PREFIX + b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)


def orientation(block: bytes) -> int:
    """Return the orientation (1-8) in a block, with its prefix or without; 1 if there is none.

    A directory that is cut off is read as far as it goes, as libvips does; what is to be written to has to be whole.
    """
    body = block.removeprefix(PREFIX)
    if body[:4] not in _ORDERS:
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(body[at : at + size], "little" if body[:1] == b"I" else "big")

    first = number(4, 4) + 2
    for entry in range(first, min(first + _ENTRY * number(first - 2, 2), len(body)), _ENTRY):
        if number(entry, 2) == _ORIENTATION:
            size, count = INTEGERS.get(number(entry + 2, 2), 0), number(entry + 4, 4)
            # More than four bytes stand elsewhere.
            value = number(entry + 8, size) if 0 < count * size <= 4 else 1
            return value if 1 <= value <= 8 else 1
    return 1


def described(texts: Mapping[int, bytes]) -> bytes:
    """Make an upright EXIF block with these texts, by tag."""
    entries = {_ORIENTATION: struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, 1, 0)}
    behind = _HEADER + 2 + _ENTRY * (1 + len(texts)) + 4
    data = b""
    for tag, text in texts.items():
        value = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack(">I", behind + len(data))
        entries[tag] = struct.pack(">HHI", tag, ASCII, len(text)) + value
        data += text + bytes(len(text) % 2) if len(text) > 4 else b""
    directory = b"".join(entries[tag] for tag in sorted(entries))
    return PREFIX + b"MM\0*" + struct.pack(">IH", _HEADER, len(entries)) + directory + bytes(4) + data


def texts(block: bytes) -> dict[int, bytes]:
    """Return the texts of a block, by tag; none of a broken one."""
    body = block.removeprefix(PREFIX)
    order = _ORDERS.get(body[:4])
    if order is None:
        return {}
    found: dict[int, bytes] = {}
    with suppress(struct.error):
        for tag, at in _first(body, order)[0].items():
            kind, length, offset = struct.unpack_from(order + "HII", body, at + 2)
            start = at + 8 if length <= 4 else offset
            if tag in TEXTS and kind == ASCII and (text := plain(body[start : start + min(length, MOST_TEXT + 1)])):
                found[tag] = text
    return found


def plain(text: bytes) -> bytes:
    """Return a text with the one zero that ends it; nothing where it is empty, too long, or no text for people."""
    text = text.rstrip(b"\0 ")
    return text + b"\0" if text and len(text) < MOST_TEXT and not text.startswith(_LAYOUTS) else b""


def settle(block: bytes, orientation: int, size: tuple[int, int]) -> bytes | None:
    """Return the block with this orientation, with this size and without a thumbnail, its other bytes where they were.

    The size (width, height) is set where the block says one: cameras and editors leave that of another picture. The
    thumbnail goes since it shows the image as it was before the filters. None where the block is broken, or has no
    orientation to set and needs one.
    """
    if not block.startswith(PREFIX):
        return None
    body = bytearray(block[len(PREFIX) :])
    order = _ORDERS.get(bytes(body[:4]))
    if order is None:
        return None
    try:
        found, link = _first(body, order)
        if _ORIENTATION in found:
            struct.pack_into(order + "HIHH", body, found[_ORIENTATION] + 2, _SHORT, 1, orientation, 0)
        elif orientation != 1:
            return None
        _drop_thumbnail(body, order, link)
        _resize(body, order, found, link, size)
    except struct.error:
        return None
    return PREFIX + bytes(body)


def density(block: bytes) -> tuple[float, float] | None:
    """Return the resolution in pixels a millimetre, across and down; None where the block is silent or broken."""
    body = block.removeprefix(PREFIX)
    order = _ORDERS.get(body[:4])
    if order is None:
        return None
    try:
        found, _ = _first(body, order)
        numbers = [_rational(body, order, found[tag]) for tag in (_ACROSS, _DOWN)]
        # Without a unit it is the inch.
        unit = struct.unpack_from(order + "H", body, found[_UNIT] + 8)[0] if _UNIT in found else 2
        across, down = (number * _PER_MM[unit] for number in numbers)
    except (struct.error, KeyError, ZeroDivisionError):
        return None
    return (across, down) if across and down else None


def with_density(block: bytes, density: tuple[float, float]) -> bytes:
    """Return a settled block with this resolution, in pixels a millimetre, unless it has one already.

    Nothing moves, since all is found by offsets: directory 0 is written anew at the end, and the old one left.
    """
    body = bytearray(block[len(PREFIX) :])
    order = _ORDERS[bytes(body[:4])]
    found, link = _first(body, order)
    if _ACROSS in found or len(found) > MOST_ENTRIES:
        return block
    entries = {tag: bytes(body[at : at + _ENTRY]) for tag, at in found.items()}
    body += bytes(len(body) % 2)
    entries[_ACROSS] = struct.pack(order + "HHII", _ACROSS, _RATIONAL, 1, len(body))
    entries[_DOWN] = struct.pack(order + "HHII", _DOWN, _RATIONAL, 1, len(body) + 8)
    entries[_UNIT] = struct.pack(order + "HHIHH", _UNIT, _SHORT, 1, 2, 0)
    for number in density:
        body += struct.pack(order + "II", round(25_400 * number), 1000)
    struct.pack_into(order + "I", body, 4, len(body))
    body += struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    return PREFIX + bytes(body) + bytes(body[link : link + 4])


def _first(body: bytes | bytearray, order: str) -> tuple[dict[int, int], int]:
    """Find directory 0."""
    return _directory(body, order, struct.unpack_from(order + "I", body, 4)[0])


def _directory(body: bytes | bytearray, order: str, offset: int) -> tuple[dict[int, int], int]:
    """Find the entries of a directory, by tag, and where the offset of the next one stands."""
    (count,) = struct.unpack_from(order + "H", body, offset)
    places = [offset + 2 + _ENTRY * i for i in range(count)]
    return {struct.unpack_from(order + "H", body, at)[0]: at for at in places}, offset + 2 + _ENTRY * count


def _rational(body: bytes, order: str, entry: int) -> float:
    (at,) = struct.unpack_from(order + "I", body, entry + 8)
    over, under = struct.unpack_from(order + "II", body, at)
    return float(over / under)


def _resize(body: bytearray, order: str, found: dict[int, int], link: int, size: tuple[int, int]) -> None:
    """Set width and height wherever they are said."""
    places = dict(found)
    # The photograph's directory may be broken where the first one is whole: it is no reason to lose that.
    with suppress(struct.error):
        if _EXIF in found:
            places |= _apart(body, order, struct.unpack_from(order + "I", body, found[_EXIF] + 8)[0], link)
    for tags in _SIZES:
        for tag, length in zip(tags, size, strict=True):
            if tag in places:
                struct.pack_into(order + "HII", body, places[tag] + 2, _LONG, 1, length)


def _apart(body: bytearray, order: str, offset: int, link: int) -> dict[int, int]:
    """Find the entries of a directory; none of one that lies over the header or directory 0, which ends at ``link``.

    Writing there would change where directory 0 is, or how long.
    """
    entries, end = _directory(body, order, offset)
    (first,) = struct.unpack_from(order + "I", body, 4)
    return {} if offset < _HEADER or (offset < link and first < end) else entries


def _drop_thumbnail(body: bytearray, order: str, link: int) -> None:
    """Cut directory 1 off and blank the bytes of its picture, so that it cannot be dug out.

    Raises struct.error where that is said to lie among the directories.
    """
    (second,) = struct.unpack_from(order + "I", body, link)
    struct.pack_into(order + "I", body, link, 0)
    if not second:
        return
    found, last = _directory(body, order, second)
    for place, length in _THUMBNAILS:
        if place in found and length in found:
            (start,) = struct.unpack_from(order + "I", body, found[place] + 8)
            (size,) = struct.unpack_from(order + "I", body, found[length] + 8)
            end = min(len(body), start + size)
            if start < end and start < max(link, last):
                raise struct.error("a thumbnail among the directories")
            body[start:end] = bytes(max(0, end - start))
