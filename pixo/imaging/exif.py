"""The little of EXIF that Pixo touches: the orientation, and the picture within the picture.

An EXIF block is ``Exif``, two zero bytes, and a TIFF file of its own: a byte order, the offset of directory 0, and
in each directory a count, entries of 12 bytes (tag, type, count, value or its offset), and the offset of the next
directory. Directory 1, where there is one, describes a thumbnail.
"""

import struct

PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_THUMBNAILS = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Tags of where a thumbnail stands and how long it is: as a JPEG, and uncompressed in one strip."""
_SHORT = 3
_ENTRY = 12


def minimal(orientation: int) -> bytes:
    """Make an EXIF block that holds nothing but the orientation (1-8)."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    return PREFIX + b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)


def settle(block: bytes, orientation: int) -> bytes | None:
    """Give the block with this orientation and without a thumbnail, its other bytes where they were.

    The thumbnail goes since it shows the image as it was before the filters. None where the block is broken, or
    has no orientation to set and needs one.
    """
    if not block.startswith(PREFIX):
        return None
    body = bytearray(block[len(PREFIX) :])
    order = _ORDERS.get(bytes(body[:4]))
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(order + "I", body, 4)
        found, link = _directory(body, order, first)
        if _ORIENTATION in found:
            struct.pack_into(order + "HIHH", body, found[_ORIENTATION] + 2, _SHORT, 1, orientation, 0)
        elif orientation != 1:
            return None
        _drop_thumbnail(body, order, link)
    except struct.error:
        return None
    return PREFIX + bytes(body)


def _directory(body: bytearray, order: str, offset: int) -> tuple[dict[int, int], int]:
    """Find the entries of a directory, by tag, and where the offset of the next one stands."""
    (count,) = struct.unpack_from(order + "H", body, offset)
    places = [offset + 2 + _ENTRY * i for i in range(count)]
    return {struct.unpack_from(order + "H", body, at)[0]: at for at in places}, offset + 2 + _ENTRY * count


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
