"""What an image may be at most; checked on its header, before any decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from pixo.errors import Refusal

if TYPE_CHECKING:
    # Settings import this module in every role; only some have libvips, which the probe imports.
    from pixo.imaging.probe import Header

Count = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True):
    """The largest image that is taken. Field names are the settings' names without ``PIXO_``, in lower case."""

    max_pixels: Annotated[Count, Meta(description="most pixels in an image")] = 1_200_000_000
    max_width: Annotated[Count, Meta(description="largest width of an image, in pixels")] = 100_000
    max_height: Annotated[Count, Meta(description="largest height of an image, in pixels")] = 100_000
    max_aspect: Annotated[Count, Meta(description="largest ratio of the longer side to the shorter")] = 65_535
    max_frames: Annotated[Count, Meta(description="most frames or pages in a file")] = 1
    max_mapped_pixels: Annotated[
        Count,
        Meta(
            description="most pixels in an image that cannot be decoded as a stream"
            " (progressive JPEG, interlaced PNG, WebP, GIF, AVIF)"
        ),
    ] = 150_000_000
    max_decoder_bytes: Annotated[
        Count,
        Meta(
            description="most memory for one decoder: per pixel, 16 bytes (AVIF), 9 (WebP), 7 (progressive JPEG; CMYK"
            " 10); for a TIFF, three rows of its tiles, or strips that are decoded whole"
        ),
    ] = 1_200_000_000
    max_tile_bytes: Annotated[
        Count,
        Meta(
            description="most memory that a worker needs for one tile: its decoder, its rows and those around them"
            " that filters read, and what filters make in between; very wide images get flatter tiles to stay within it"
        ),
    ] = 1_600_000_000
    max_luma_pixels: Annotated[
        Count,
        Meta(description="most pixels in a JPEG whose luma is decoded whole, in memory; larger ones are streamed"),
    ] = 100_000_000
    max_webp_pixels: Annotated[
        Count,
        Meta(
            description="most pixels in a WebP result: its encoder holds all of them, 6 bytes each; a lossless one may"
            " have a sixth as many"
        ),
    ] = 40_000_000


def check(header: Header, limits: Limits) -> None:
    """Refuse an image that is too large, by its header alone.

    Kinds: ``too-many-frames``, ``too-wide``, ``too-high``, ``too-many-pixels``, ``bad-aspect``. Whether it may be
    decoded whole is the planner's question.
    """
    pixels = header.width * header.height
    long, short = max(header.width, header.height), max(1, min(header.width, header.height))
    most(header.frames, limits.max_frames, "too-many-frames", "frames or pages", "max_frames")
    most(pixels, limits.max_pixels, "too-many-pixels", "pixels", "max_pixels")
    most(header.width, limits.max_width, "too-wide", "pixels in width", "max_width")
    most(header.height, limits.max_height, "too-high", "pixels in height", "max_height")
    most(-(-long // short), limits.max_aspect, "bad-aspect", "as the ratio of its sides", "max_aspect")


def most(measured: int, limit: int, kind: str, what: str, field: str, *, lead: str = "The image has") -> None:
    """Raise Refusal of the kind if the measured number is above the limit that the field of Limits sets."""
    if measured > limit:
        raise Refusal(
            kind,
            f"{lead} {measured:,} {what}; at most {limit:,} are allowed.",
            measured=measured,
            limit=limit,
            setting=f"PIXO_{field.upper()}",
        )
