"""What a filter holds, beside its input."""

import tracemalloc

import numpy as np
import pytest

from pixo.imaging.filters import registry
from pixo.imaging.filters.alpha import weighed
from tests.property.definitions import filtered


@pytest.mark.parametrize("shown", [1.0, 0.5])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", sorted(registry()))
def test_what_a_filter_holds_is_bounded(name, channels, depth, shown) -> None:
    """No filter takes more than seven bytes for each that goes in, its result included; a worker's memory is small."""
    pixels = np.full((1000, 1200, channels), 200, f"uint{depth}")
    if channels in (2, 4) and shown < 1:
        pixels[:, ::2, -1] = 0
    filtered(name, {}, pixels)
    tracemalloc.start()
    try:
        filtered(name, {}, pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Blocks that stay in the cache are the same for larger images.
    assert peak - 2_000_000 < 7 * pixels.nbytes


@pytest.mark.parametrize(("channels", "depth", "most"), [(2, 8, 5), (2, 16, 3.5), (4, 8, 3.5), (4, 16, 2.6)])
def test_weighing_holds_one_plane_at_a_time(channels, depth, most) -> None:
    """Beside its input it takes the result, and of 16 bits the weights and one plane before and after the mean."""
    pixels = np.full((400, 500, channels), 200, f"uint{depth}")
    weighed(pixels, np.copy)
    tracemalloc.start()
    try:
        weighed(pixels, np.copy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most * pixels.nbytes
