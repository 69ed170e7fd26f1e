"""Finished tiles to the final file: JPEG and PNG without decoding, other formats through their encoder."""

from collections.abc import Iterable

from msgspec.structs import replace

from pixo.imaging.join import jpeg, png, transcode
from pixo.imaging.join.jpeg import Write
from pixo.imaging.metadata import Metadata, fit
from pixo.imaging.plan import Plan


def join(plan: Plan, metadata: Metadata, pieces: Iterable[bytes], write: Write) -> None:
    """Write the final file's bytes in order; ``pieces`` are all tiles' segments, from the top.

    ``metadata`` is the source's: what of it goes into the final is decided here (``metadata.fit``). JPEG and PNG
    hold one piece in memory at a time; what WebP and TIFF hold, and that they use a temporary file, stands in
    ``join.transcode``. Raises BadPiece (with the tile's number) for a piece that is broken, missing or too much;
    by then some bytes may have been written. JPEG strips are not decoded here, so a flipped bit inside a scan
    passes: compare the piece's checksum before.
    """
    kept = fit(metadata, plan)
    if plan.output.format == plan.piece == "jpeg":
        jpeg.join(plan, kept, pieces, write)
    elif plan.piece != "png":
        raise ValueError(f"{plan.piece} pieces do not make a {plan.output.format} file")
    elif plan.output.format == "png":
        png.join(plan, kept, pieces, write)
    else:
        transcode.join(plan, kept, pieces, write)


def finish(plan: Plan, metadata: Metadata, segment: bytes) -> bytes:
    """Return the final file of a plan's only tile, whose segment was made here just now. Raises BadPiece."""
    if plan.output.format == plan.piece == "jpeg":
        return jpeg.finish(plan, fit(metadata, plan), segment)
    return _joined(plan, metadata, segment)


def picture(plan: Plan, tile: int, piece: bytes) -> bytes:
    """Return one tile's piece as an image file of its own, JPEG or PNG, without metadata. Raises BadPiece."""
    if plan.lone:
        return piece
    top, bottom = plan.box(tile)
    output = replace(plan.output, format=plan.piece)
    return _joined(replace(plan, height=bottom - top, output=output), Metadata(), piece)


def _joined(plan: Plan, metadata: Metadata, piece: bytes) -> bytes:
    parts: list[bytes | memoryview] = []
    join(plan, metadata, [piece], parts.append)
    return b"".join(parts)
