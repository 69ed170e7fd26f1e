"""From a header and a request to the plan of a job, or to a refusal; and from a plan to the lanes' runs."""

import re
from math import ceil
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pixo.errors import Refusal
from pixo.imaging import costs, memory
from pixo.imaging.chain import Chain
from pixo.imaging.geometry import TILE_BYTES, reached, restart_rows, tile_rows
from pixo.imaging.limits import Limits, check, most
from pixo.imaging.plan import QUALITY, Engine, Format, Mode, Output, Plan
from pixo.imaging.probe import Header

# Longest side that a format's files can have. JPEG's own 65535 is refused by libjpeg.
SIDES = {"jpeg": 65_500, "webp": 16_383, "png": (1 << 31) - 1, "tiff": (1 << 31) - 1}
DEEP = frozenset({"png", "tiff"})
LOSSLESS = 6
"""Times the memory of a lossy WebP's encoder that a lossless one's takes: 36 bytes a pixel."""
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# A second lane has to cut the time by a quarter, since it makes a worker pass over half of the image for nothing;
# further ones by a twentieth.
SECOND_LANE, NEXT_LANE = 0.25, 0.05
WHOLE = 0.1
"""Seconds of work up to which an image is not cut: handing tiles out and joining them takes longer than it saves."""


class Request(Struct, frozen=True, kw_only=True):
    """What is asked of the final image."""

    format: Literal["keep", "jpeg", "png", "webp", "tiff"] = "keep"
    quality: Annotated[int, Meta(ge=1, le=100)] | None = None
    """Of JPEG and WebP. None leaves a lossless WebP lossless, and is QUALITY for all others."""
    metadata: Literal["keep", "strip"] = "keep"
    background: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] = "#ffffff"


def plan(
    header: Header,
    chain: Chain,
    request: Request,
    limits: Limits,
    *,
    tile_size: int | None,
    workers: int,
    busy: bool,
) -> Plan:
    """Plan a job; ``tile_size`` None leaves the tiles' area to the planner (docs/adr/0002-tile-area.md).

    ``workers`` is how many live, ``busy`` whether other jobs wait. Raises Refusal: the kinds of `check` in
    limits.py, ``too-many-pixels`` also for what must be decoded or encoded whole, ``too-large-for-format``,
    ``depth-not-kept``, ``unsupported-depth``, ``bad-parameter``.
    """
    check(header, limits)
    output = _output(header, request, limits)
    engine, mode = _engine(header, chain, limits)
    chain.check(mode, header.depth)
    out_mode = _out_mode(chain.out_mode(mode), output)
    widest = max(len(mode), len(out_mode))
    align, halo = chain.align(), chain.halo(header.depth)
    reader, row = memory.reader(header, engine, mode), memory.row(header, chain, mode)
    uncut = costs.estimate(header, chain, engine, mode, out_mode, output, header.height).total * header.pixels / 1e9
    rows = tile_rows(
        header.width,
        header.height,
        row_bytes=header.width * widest * header.depth // 8,
        align=align,
        halo=halo,
        area=_area(header.pixels, tile_size, workers, busy=busy, channels=widest, whole=uncut <= WHOLE),
        most=restart_rows(header.width, out_mode, output),
        reach=(limits.max_tile_bytes - reader) // row,
    )
    reach = reached(rows, header.height, align=align, halo=halo)
    held = reader + row * reach
    lead = "With these filters, one tile of the image needs"
    most(held, limits.max_tile_bytes, "too-many-pixels", "bytes of memory", "max_tile_bytes", lead=lead)
    work = costs.estimate(header, chain, engine, mode, out_mode, output, rows)
    return Plan(
        width=header.width,
        height=header.height,
        source=header.format,
        engine=engine,
        mode=mode,
        depth=header.depth,
        chain=str(chain),
        out_mode=out_mode,
        output=output,
        piece="jpeg" if output.format == "jpeg" else "png",
        rows=rows,
        skip=round(work.skip, 3),
        seconds=round(work.total * header.pixels / 1e9, 3),
        orientation=header.orientation,
        held=held,
        kept=reader + reach * memory.window(header, mode),
    )


def runs(plan: Plan, lanes: int) -> list[tuple[int, int]]:
    """Cut the tiles into contiguous runs ``[a, b)``, one a lane and at most ``lanes``, that end at the same time.

    A lane that begins further down pays for passing over all above it, so each is ``1 - plan.skip`` times as long
    as the one before. There are fewer than ``lanes`` where more would not make the job noticeably faster.
    """
    ratio = 1 - plan.skip
    shares = [1.0]
    while len(shares) < min(lanes, plan.tiles):
        share = ratio ** len(shares)
        # The time is one over the sum of the shares.
        gain = share / (sum(shares) + share)
        if gain < (SECOND_LANE if len(shares) == 1 else NEXT_LANE):
            break
        shares.append(share)
    ends = [round(plan.tiles * sum(shares[: i + 1]) / sum(shares)) for i in range(len(shares))]
    return [(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if a < b]


def _output(header: Header, request: Request, limits: Limits) -> Output:
    """Settle the final's format; refuse what it cannot hold."""
    if not COLOUR.fullmatch(request.background):
        raise Refusal(
            "bad-parameter",
            f"background: {request.background!r} is not a colour; write #rrggbb.",
            measured=request.background,
        )
    quality = QUALITY if request.quality is None else request.quality
    if not 1 <= quality <= 100:
        raise Refusal(
            "bad-parameter",
            f"quality: {quality} is not between 1 and 100.",
            measured=quality,
            limit=[1, 100],
        )
    lossless = header.lossless and request.quality is None
    holds = limits.max_webp_pixels // LOSSLESS if lossless else limits.max_webp_pixels
    form = _kept(header, holds) if request.format == "keep" else request.format
    longest = max(header.width, header.height)
    if longest > SIDES[form]:
        raise Refusal(
            "too-large-for-format",
            f"A {form.upper()} can have at most {SIDES[form]:,} pixels per side; this image has {longest:,}.",
            measured=longest,
            limit=SIDES[form],
        )
    if form == "webp":
        what = "pixels, and a WebP has to be encoded as a whole"
        if lossless:
            what = "pixels, and a lossless WebP takes much memory to write; with a quality it becomes a lossy one"
        most(header.pixels, holds, "too-many-pixels", what, "max_webp_pixels")
    if header.depth == 16 and form not in DEEP:
        raise Refusal(
            "depth-not-kept",
            f"The image has 16 bits per sample, and a {form.upper()} holds 8; choose PNG or TIFF.",
            measured=16,
            limit=8,
        )
    return Output(
        format=form,
        quality=quality,
        lossless=lossless and form == "webp",
        metadata=request.metadata,
        background=request.background.lower(),
    )


def _kept(header: Header, holds: int) -> Format:
    """Return the format that comes nearest to the source's, of those that can hold it; ``holds`` pixels a WebP can."""
    if header.format == "gif":
        return "png"
    if header.format == "avif" or header.format == "webp":  # noqa: PLR1714 - which mypy understands
        longest = max(header.width, header.height)
        fits = header.depth == 8 and longest <= SIDES["webp"] and header.pixels <= holds
        return "webp" if fits else "png"
    return header.format


def _engine(header: Header, chain: Chain, limits: Limits) -> tuple[Engine, Mode]:
    """Choose the decoder and what it yields."""
    # Of a gray JPEG all is luma.
    luma_only = header.baseline_jpeg and (chain.starts_with_luma() or header.mode == "L")
    if luma_only and header.pixels <= limits.max_luma_pixels:
        return "luma", "L"
    if header.streams:
        lead = "With tiles or strips of this size, decoding the image needs"
        most(
            header.held, limits.max_decoder_bytes, "too-many-pixels", "bytes of memory", "max_decoder_bytes", lead=lead
        )
        return "stream", header.mode
    most(
        header.pixels,
        limits.max_mapped_pixels,
        "too-many-pixels",
        f"pixels, and this kind of {header.format.upper()} has to be decoded as a whole",
        "max_mapped_pixels",
    )
    held, lead = memory.whole(header), f"Decoding this {header.format.upper()} needs"
    most(held, limits.max_decoder_bytes, "too-many-pixels", "bytes of memory", "max_decoder_bytes", lead=lead)
    return "map", header.mode


def _out_mode(mode: Mode, output: Output) -> Mode:
    """Return what the final holds: JPEG has no alpha, and gray on a coloured background is colour."""
    if output.format != "jpeg" or not mode.endswith("A"):
        return mode
    red, green, blue = (output.background[i : i + 2] for i in (1, 3, 5))
    return "L" if mode == "LA" and red == green == blue else "RGB"


def _area(pixels: int, tile_size: int | None, workers: int, *, busy: bool, channels: int, whole: bool) -> int:
    """Return the least area of a tile, in pixels."""
    if tile_size is not None:
        return tile_size**2
    if whole:
        return pixels
    cap = TILE_BYTES if busy and channels == 1 else 4_000_000
    share = cap if busy else min(cap, ceil(pixels / (4 * max(1, workers))))
    return max(512**2, share)
