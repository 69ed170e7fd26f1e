"""Pixels: probing, planning, decoding, filtering, encoding, joining. Knows no broker, state, store or settings.

The libraries read the environment once, when they are first imported, so this package sets it before any of
its modules can import them: results must not depend on who imported what first.
"""

import os

# IPP gives float results that depend on the position in a strip; the switch in the API holds for one thread only.
os.environ.setdefault("OPENCV_IPP", "disabled")
# OpenCV would warn on standard error that it obeys OPENCV_IPP.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
# One process is one core: libvips' thread pool costs memory and gains nothing.
os.environ.setdefault("VIPS_CONCURRENCY", "1")
# libvips says nothing of what it warns of: it would stand between the lines of a log. Errors are raised all the same.
os.environ.setdefault("VIPS_WARNING", "0")
