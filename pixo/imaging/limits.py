"""What an image may be at most; checked on its header, before any decoding."""

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True):
    """The largest image that is taken. Field names are the settings' names without ``PIXO_``, in lower case."""

    max_pixels: Annotated[Count, Meta(description="most pixels of an image")] = 1_200_000_000
    max_width: Annotated[Count, Meta(description="widest image, pixels")] = 100_000
    max_height: Annotated[Count, Meta(description="highest image, pixels")] = 100_000
    max_aspect: Annotated[Count, Meta(description="longest side over shortest side, at most")] = 65_535
    max_frames: Annotated[Count, Meta(description="most frames or pages of a file")] = 1
    max_mapped_pixels: Annotated[
        Count,
        Meta(
            description="most pixels of an image that cannot be decoded as a stream (progressive JPEG, interlaced PNG, WebP, GIF, AVIF)"
        ),
    ] = 150_000_000
    max_luma_pixels: Annotated[
        Count,
        Meta(
            description="most pixels of a JPEG whose luma a worker decodes whole in memory; larger ones are streamed"
        ),
    ] = 100_000_000
