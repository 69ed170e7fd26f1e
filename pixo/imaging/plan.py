"""The plan of a job: everything that a worker and a joiner need to know, fixed before the first tile."""

from math import ceil
from typing import Literal

from msgspec import Struct

Engine = Literal["luma", "stream", "map"]
Mode = Literal["L", "LA", "RGB", "RGBA"]
Format = Literal["jpeg", "png", "webp", "tiff"]

QUALITY = 85
"""Of JPEG and WebP, where none is asked for."""


class Output(Struct, frozen=True, kw_only=True):
    """What the final image shall be."""

    format: Format
    quality: int = QUALITY
    lossless: bool = False
    """Whether a WebP keeps every pixel."""
    metadata: Literal["keep", "strip"] = "keep"
    background: str = "#ffffff"


class Plan(Struct, frozen=True, kw_only=True):
    """How one image is cut and processed. Tiles are full-width strips, numbered from the top.

    The engine is part of the plan since two decoders may differ in the last bit:

    - ``luma``: baseline JPEG, the luma plane alone, whole, in memory (libjpeg-turbo);
    - ``stream``: rows in order in bounded memory (libvips);
    - ``map``: what cannot stream is decoded once into a file (libvips).
    """

    width: int
    height: int
    source: str
    """The source's format, by content: jpeg, png, tiff, webp, gif, avif."""
    engine: Engine
    mode: Mode
    """What the engine yields."""
    depth: Literal[8, 16]
    chain: str
    """The filters, in canonical form."""
    out_mode: Mode
    """What pieces and the final hold, after the chain and flattening."""
    output: Output
    piece: Literal["jpeg", "png"]
    """The format of a finished tile's segment, chosen so that segments join without decoding."""
    rows: int
    """Height of every tile but the last."""
    skip: float
    """Cost of passing over a row, as a share of processing it; it makes the lanes unequal."""
    seconds: float
    """Estimated work of the whole job on one core."""
    seed: int = 0
    orientation: int = 1
    """How the final is shown, as EXIF says it (1-8): pixels are filtered as they are stored."""
    held: int = 0
    """Estimated bytes that a tile takes a worker: its decoder, its rows with the halo, what filters make of them."""
    kept: int = 0
    """Estimated bytes that an open reader holds between two tiles: its decoder, its rows with the halo."""

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return ceil(self.height / self.rows)

    @property
    def lone(self) -> bool:
        """Whether the only tile's piece is the final image itself, so that nothing is left to join."""
        return self.tiles == 1 and self.piece == self.output.format

    def box(self, tile: int) -> tuple[int, int]:
        """Return the rows ``[top, bottom)`` of a tile."""
        return tile * self.rows, min(self.height, (tile + 1) * self.rows)
