"""JPEG strips to one JPEG, without decoding.

Every strip but the last has as many MCUs, so each becomes one restart interval: the first strip's tables, the
whole image's height, DRI with the MCUs of a strip, and the strips' scans with RST0-RST7 in turn between them.
The bytes equal those of an encoder that wrote the whole image with that restart interval.
"""

import re
import struct
from collections.abc import Callable, Iterable

from pixo.errors import BadPiece
from pixo.imaging import exif, iptc
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Plan

Write = Callable[[bytes | memoryview], object]
"""Takes the next bytes of a file."""

MAX_INTERVAL = 65_535
MAX_SEGMENT = 65_533
"""Most bytes of a marker segment, without marker and length."""
XMP, ICC = b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
MAX_ICC_PART = MAX_SEGMENT - len(ICC) - 2
MAX_ICC_PARTS = 255
_MARKER = re.compile(rb"\xff[^\0]", re.DOTALL)
"""In a scan 0xFF as a value is followed by zero; anything else ends the scan. (Four times as fast as counting.)"""
_START, _END = b"\xff\xd8", b"\xff\xd9"
_APP0, _APP1, _APP2, _APP13, _SOF0, _SOS, _DRI, _COM = 0xE0, 0xE1, 0xE2, 0xED, 0xC0, 0xDA, 0xDD, 0xFE


def join(plan: Plan, metadata: Metadata, pieces: Iterable[bytes], write: Write) -> None:
    """Write the JPEG file of the pieces, one after the other; ``metadata`` goes in as it is.

    Raises BadPiece for a strip that is cut off, has markers in its scan, other tables or another size than the
    first one, and for one too few or too many. XMP and IPTC of more than 64 KB and profiles of more than 16 MB have
    no place in a JPEG and are left out; of EXIF of more than 64 KB only the orientation stays.
    """
    head = None
    count = 0
    for tile, piece in enumerate(pieces):
        if tile >= plan.tiles:
            raise BadPiece(tile, f"the image has {plan.tiles} tiles only")
        if head is None:
            head = _Head(piece, plan)
            write(head.with_height(plan.height, metadata, restarts=plan.tiles > 1))
        else:
            write(bytes((0xFF, 0xD0 + ((tile - 1) & 7))))
        write(head.scan(tile, piece, plan))
        count += 1
    if count < plan.tiles:
        raise BadPiece(count, "the segment is missing")
    write(_END)


def finish(plan: Plan, metadata: Metadata, piece: bytes) -> bytes:
    """Return the JPEG file of a plan's only strip, fresh from its encoder; ``metadata`` goes in as it is.

    Gives what ``join`` gives. The scan is not looked at, which saves a sixtieth of the whole photo's time.
    """
    taken = _Head(piece, plan)
    head = taken.with_height(plan.height, metadata, restarts=False)
    return piece if head == taken.bytes else b"".join((head, memoryview(piece)[len(taken.bytes) :]))


class _Head:
    """All that stands before the first strip's scan, taken apart."""

    def __init__(self, piece: bytes, plan: Plan) -> None:
        self._parts: list[tuple[int, bytes]] = []
        self._height_at = 0
        position = len(_START)
        if not piece.startswith(_START):
            raise BadPiece(0, "this is not a JPEG segment")
        while not self._parts or self._parts[-1][0] != _SOS:
            position = self._take(piece, position)
        self.bytes = piece[:position]
        kinds = [kind for kind, _ in self._parts]
        if kinds[0] != _APP0 or kinds.count(_SOF0) != 1 or _DRI in kinds:
            raise BadPiece(0, "this is not a baseline JPEG segment of Pixo's")
        frame = dict(self._parts)[_SOF0]
        self._interval = _interval(frame, plan)

    def _take(self, piece: bytes, position: int) -> int:
        """Take the marker segment at a position and say where the next one is."""
        if len(piece) < position + 4 or piece[position] != 0xFF:
            raise BadPiece(0, "the segment is cut off")
        end = position + 2 + int.from_bytes(piece[position + 2 : position + 4])
        if len(piece) < end:
            raise BadPiece(0, "the segment is cut off")
        kind = piece[position + 1]
        self._parts.append((kind, piece[position + 4 : end]))
        if kind == _SOF0:
            self._height_at = position + 5
        return end

    def with_height(self, height: int, metadata: Metadata, *, restarts: bool) -> bytes:
        """Return the final's head."""
        out = [_START]
        for kind, data in self._parts:
            if kind == _APP0:
                out += [_marker(kind, _with_density(data, metadata.density)), *_metadata(metadata)]
                continue
            if kind == _SOS and restarts:
                out.append(_marker(_DRI, struct.pack(">H", self._interval)))
            sized = data[:1] + struct.pack(">H", height) + data[3:] if kind == _SOF0 else data
            out.append(_marker(kind, sized))
        return b"".join(out)

    def scan(self, tile: int, piece: bytes, plan: Plan) -> memoryview:
        """Return a strip's entropy-coded bytes, after checking that its head says the same as the first one's."""
        top, bottom = plan.box(tile)
        at = self._height_at
        head = self.bytes[:at] + struct.pack(">H", bottom - top) + self.bytes[at + 2 :]
        if not piece.startswith(head):
            raise BadPiece(tile, "the segment's size or tables are not those of the first one")
        marker = _MARKER.search(piece, len(head))
        if marker is None or marker.group() != _END:
            raise BadPiece(tile, "the segment is cut off, or its scan holds a marker")
        if marker.end() != len(piece) or marker.start() == len(head):
            raise BadPiece(tile, "the segment's end is not where its scan ends")
        return memoryview(piece)[len(head) : marker.start()]


def _interval(frame: bytes, plan: Plan) -> int:
    """Count the MCUs of a full strip; a lone component is coded block by block, whatever its sampling."""
    width, components = int.from_bytes(frame[3:5]), frame[5]
    if width != plan.width or components != len(plan.out_mode) or len(frame) != 6 + 3 * components:
        raise BadPiece(0, "the segment's size is not the plan's")
    samplings = [frame[7 + 3 * i] for i in range(components)] if components > 1 else [0x11]
    across, down = 8 * max(s >> 4 for s in samplings), 8 * max(s & 15 for s in samplings)
    interval = -(-width // across) * -(-plan.rows // down)
    if plan.tiles > 1 and (plan.rows % down or interval > MAX_INTERVAL):
        raise ValueError(f"strips of {plan.rows} rows of {width} pixels cannot be joined as JPEG")
    return interval


def _marker(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data


def _with_density(app0: bytes, density: tuple[float, float] | None) -> bytes:
    """Put the density into a JFIF header: whole dots per inch where they are nearly whole, else per centimetre."""
    if density is None:
        return app0
    inch = [25.4 * d for d in density]
    metric = [10 * d for d in density]
    whole = all(abs(d - round(d)) < 0.05 for d in inch) or any(abs(d - round(d)) >= 0.05 for d in metric)
    unit, (across, down) = (1, inch) if whole else (2, metric)
    return app0[:7] + struct.pack(">BHH", unit, *(min(65_535, max(1, round(d))) for d in (across, down))) + app0[12:]


def _metadata(metadata: Metadata) -> list[bytes]:
    """Make the marker segments of EXIF, XMP, IPTC, profile and comments, in the order that readers expect."""
    out = []
    block = metadata.exif
    if block is not None and len(block) > MAX_SEGMENT:
        block = exif.minimal(metadata.orientation)
    if block is not None:
        out.append(_marker(_APP1, block))
    if metadata.xmp is not None and len(XMP + metadata.xmp) <= MAX_SEGMENT:
        out.append(_marker(_APP1, XMP + metadata.xmp))
    resources = iptc.PREFIX + iptc.resource(metadata.iptc) if metadata.iptc is not None else b""
    if 0 < len(resources) <= MAX_SEGMENT:
        out.append(_marker(_APP13, resources))
    profile = metadata.icc or b""
    parts = [profile[at : at + MAX_ICC_PART] for at in range(0, len(profile), MAX_ICC_PART)]
    if len(parts) <= MAX_ICC_PARTS:
        out += [_marker(_APP2, ICC + bytes((i, len(parts))) + part) for i, part in enumerate(parts, 1)]
    return out + [_marker(_COM, comment) for comment in metadata.comments]
