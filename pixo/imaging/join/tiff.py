"""Texts for a TIFF that libvips has written, which writes none: who made it, with what, whose it is."""

import struct
from collections.abc import Mapping
from typing import IO, NamedTuple

from pixo.imaging import exif


class _Form(NamedTuple):
    """How the numbers of a directory are written: the classic form and that of more than 4 GB."""

    at: int
    """Where the offset of the first directory stands."""
    offset: str
    number: str
    entry: str
    """Tag, type, how many, and what or where they are."""
    inline: int
    """Bytes that stand in the entry itself."""


_FORMS = {42: _Form(4, "I", "H", "HHI4s", 4), 43: _Form(8, "Q", "Q", "HHQ8s", 8)}


def add_texts(file: IO[bytes], texts: Mapping[int, bytes]) -> None:
    """Add texts, by tag, to the first directory, where it has none with that tag.

    Nothing moves, since all is found by offsets: the directory is written anew at the end, and the old one left.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head.startswith(b"II") else ">"
    form = _FORMS[struct.unpack_from(order + "H", head, 2)[0]]
    file.seek(struct.unpack_from(order + form.offset, head, form.at)[0])
    (count,) = struct.unpack(order + form.number, file.read(struct.calcsize(order + form.number)))
    size = struct.calcsize(order + form.entry)
    rows = [file.read(size) for _ in range(count)]
    entries = {struct.unpack_from(order + "H", row)[0]: row for row in rows}
    following = file.read(struct.calcsize(order + form.offset))
    new = {tag: text for tag, text in texts.items() if tag not in entries}
    if not new:
        return
    end = file.seek(0, 2)
    data = bytes(end % 2)  # what an offset names begins at an even place
    for tag, text in new.items():
        field = text
        if len(text) > form.inline:
            field = struct.pack(order + form.offset, end + len(data))
            data += text + bytes(len(text) % 2)
        entries[tag] = struct.pack(order + form.entry, tag, exif.ASCII, len(text), field)
    directory = b"".join(entries[tag] for tag in sorted(entries))
    file.write(data + struct.pack(order + form.number, len(entries)) + directory + following)
    file.seek(form.at)
    file.write(struct.pack(order + form.offset, end + len(data)))
