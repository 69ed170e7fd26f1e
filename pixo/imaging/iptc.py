"""IPTC's records, and Photoshop's resources that they lie in.

Of the other resources none is taken: they speak of the picture before the filters, as its thumbnail does, or of
Photoshop's own state. A resource is ``8BIM``, a number of two bytes, a name and data, each after its length and filled
up to an even one.
"""

import struct

PREFIX = b"Photoshop 3.0\0"
"""What a JPEG's segment of resources begins with."""
_MARK = b"8BIM"
_RECORDS = 0x0404
_START = b"\x1c"
_PREVIEW = b"\x1c\x02\xca"
"""What begins a record that holds a picture."""


def records(data: bytes) -> bytes | None:
    """Find the records in resources, with or without their prefix, or that stand for themselves.

    None where there are none, where the resources are broken, and where a record holds another picture.
    """
    data = data.removeprefix(PREFIX)
    found = _resource(data) if data.startswith(_MARK) else data
    return found if found.startswith(_START) and _PREVIEW not in found else None


def resource(records: bytes) -> bytes:
    """Make the one resource that the records lie in, without the prefix."""
    return _MARK + struct.pack(">HHI", _RECORDS, 0, len(records)) + records + bytes(len(records) % 2)


def _resource(data: bytes) -> bytes:
    """Return the resource of the records; empty where there is none."""
    at = 0
    while data[at : at + 4] == _MARK and at + 12 <= len(data):
        number, name = struct.unpack_from(">HB", data, at + 4)
        # The name has its length before it, and both together are even.
        start = at + 6 + name + 2 - name % 2 + 4
        size = int.from_bytes(data[start - 4 : start])
        if number == _RECORDS:
            return data[start : start + size]
        at = start + size + size % 2
    return b""
