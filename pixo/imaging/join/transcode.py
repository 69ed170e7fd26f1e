"""PNG segments to formats that have no joinable ones: the joined PNG flows through libvips into the encoder.

Pixels pass in rows, so the PNG is never whole anywhere. What the encoder itself needs is another matter: TIFF needs
45 MB for 236 megapixels; WebP's holds the whole image, about 6 bytes a pixel (lossless: 36), and so is
limited (``PIXO_MAX_WEBP_PIXELS``) and used for one image at a time. The encoded file grows in an unnamed temporary
file, since TIFF is not written in order. Metadata does not pass through the PNG, which rounds resolutions. libvips
writes no EXIF into TIFF, only its orientation; its texts are added afterwards.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Lock

import pyvips

from pixo.errors import BadImage, TryAgain
from pixo.imaging import exif, iptc, libvips
from pixo.imaging.join import png, tiff, webp
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Plan

CHUNK = 1 << 20
WEBP_EFFORT = 2
"""Photographs: 0.4 of the time of libwebp's default 4 for 1 % more bytes."""
WEBP_PACKING = 20
"""How hard a lossless one is packed, of 100. Photographs: 50 takes twice the time for 1 % less, 85 ten times."""
TIFF_LEVEL = 3
"""Photographs: a third of the time of level 6 for 7 % more bytes; level 1 makes 60 % more."""
CLASSIC_TIFF = 3_900_000_000
"""Bytes of pixels up to which a TIFF surely stays under the 4 GB that its classic form can address."""
DENSITY = (72 / 25.4, 72 / 25.4)
"""What a TIFF says where nobody has said anything, since it has to: as others do."""

_one_webp = Lock()


def join(plan: Plan, metadata: Metadata, pieces: Iterable[bytes], write: Callable[[bytes], object]) -> None:
    """Write the WebP or TIFF file of the segments; ``metadata`` goes in as it is.

    Raises BadPiece as ``png.join`` does, BadImage where the encoder refuses, and TryAgain("store") where the temporary
    file cannot grow.
    """
    libvips.set_up()
    inlet, outlet = os.pipe()
    stop = Event()
    refused = None
    with tempfile.TemporaryFile() as file, ThreadPoolExecutor(1, "join") as pool:
        feeding = pool.submit(_feed, plan, pieces, outlet, stop)
        try:
            _encode(plan, metadata, inlet, file.fileno())
        except pyvips.Error as error:
            refused = error
            stop.set()
        finally:
            # libvips keeps a copy of the pipe's end, so closing ours would not free a feeder that is writing.
            while os.read(inlet, CHUNK):
                pass
            os.close(inlet)
        # A broken piece is the true cause of what libvips may have seen.
        feeding.result()
        if refused is not None:
            reason = f"the image cannot be written as {plan.output.format}: {libvips.reason(refused)}"
            if libvips.could_not_write(refused):
                raise TryAgain("store", f"{reason} (the folder for temporary files, TMPDIR)") from refused
            raise BadImage(reason) from refused
        if plan.output.format == "tiff" and metadata.exif is not None:
            tiff.add_texts(file, exif.texts(metadata.exif))
        file.seek(0)
        before, after = webp.around(file, metadata) if plan.output.format == "webp" else (b"", b"")
        write(before)
        while data := file.read(CHUNK):
            write(data)
        write(after)


def _feed(plan: Plan, pieces: Iterable[bytes], outlet: int, stop: Event) -> None:
    """Push the joined PNG into the pipe, until its end or until libvips has given up; closes the pipe."""
    with open(outlet, "wb", buffering=0) as pipe:

        def push(data: bytes) -> None:
            rest = memoryview(data)
            while rest and not stop.is_set():
                rest = rest[pipe.write(rest) :]

        def until_stopped() -> Iterable[bytes]:
            for piece in pieces:
                if stop.is_set():
                    raise _Stopped
                yield piece

        with suppress(_Stopped):
            png.join(plan, Metadata(), until_stopped(), push)


class _Stopped(Exception):
    """Raised where the pieces that are left are of no use."""


def _encode(plan: Plan, metadata: Metadata, inlet: int, file: int) -> None:
    source = pyvips.Source.new_from_descriptor(inlet)
    image = pyvips.Image.pngload_source(source, access="sequential", fail_on="warning", unlimited=True)
    target = pyvips.Target.new_to_descriptor(file)
    if plan.output.format == "webp":
        lossless = plan.output.lossless
        quality = WEBP_PACKING if lossless else plan.output.quality
        with _one_webp:
            # Exact: or the colours under full transparency, which a filter may bring to light again, would go.
            image.webpsave_target(target, Q=quality, lossless=lossless, exact=lossless, effort=WEBP_EFFORT, keep="none")
        return
    size = plan.width * plan.height * len(plan.out_mode) * plan.depth // 8
    _with_metadata(image, metadata).tiffsave_target(
        target,
        compression="deflate",
        level=TIFF_LEVEL,
        predictor="horizontal",
        bigtiff=size > CLASSIC_TIFF,
    )


def _with_metadata(image: pyvips.Image, metadata: Metadata) -> pyvips.Image:
    """Return the image with what libvips writes into a TIFF."""
    across, down = metadata.density or DENSITY
    image = image.copy(xres=across, yres=down)
    image.set_type(pyvips.GValue.gint_type, "orientation", metadata.orientation)
    # Of IPTC in a place of its own libvips 8.18 writes a quarter.
    resources = iptc.resource(metadata.iptc) if metadata.iptc else None
    blobs = {"icc-profile-data": metadata.icc, "xmp-data": metadata.xmp, "photoshop-data": resources}
    for name, blob in blobs.items():
        if blob is not None:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    return image
