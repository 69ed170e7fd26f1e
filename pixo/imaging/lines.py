"""How many lines libvips holds between a decoder and a reader: an option of its commands, with no function for it."""

import ctypes
from importlib import import_module

import pyvips

HEIGHT = 32
"""Lines of its buffers, of which it has six in a row. With its own 128 a stream of 20,000 pixels a line holds 35 MB
more and is no faster."""


def hold_few() -> None:
    """Set it for this process, before the first image is opened; without the compiled binding nothing changes."""
    if not pyvips.API_mode:
        return
    # The binding is linked with libvips and, through that, with glib: their functions are found by way of it.
    library = ctypes.CDLL(import_module("_libvips").__file__)
    for maker in (library.g_option_context_new, library.g_option_group_new):
        maker.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.g_option_context_new(None))
    group = ctypes.c_void_p(library.g_option_group_new(b"", b"", b"", None, None))
    library.vips_add_option_entries(group)
    library.g_option_context_set_main_group(context, group)
    arguments = (ctypes.c_char_p * 3)(b"", b"--vips-tile-height=%d" % HEIGHT, None)
    library.g_option_context_parse(
        context, ctypes.byref(ctypes.c_int(2)), ctypes.byref(ctypes.pointer(arguments)), None
    )
    library.g_option_context_free(context)
