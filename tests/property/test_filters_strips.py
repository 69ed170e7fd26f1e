"""A filter on strips of a window gives what it gives of the window at once."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixo.errors import Refusal
from pixo.imaging import strips
from pixo.imaging.chain import Chain, Step
from pixo.imaging.filters import Place, registry
from tests import strategies


@pytest.mark.parametrize("name", sorted(registry()))
@settings(max_examples=25)
@given(data=st.data(), mode=st.sampled_from(strategies.MODES), depth=st.sampled_from([8, 16]), top=st.integers(0, 300))
def test_every_filter_by_strips_equals_the_window(name, data, mode, depth, top):
    """Wherever in an image the window begins, also within a cell."""
    each = registry()[name]
    params = data.draw(strategies.parameters(each))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pixels = strategies.picture(random, (400, 9, len(mode)), depth)
    place = Place(y0=top, width=9, height=1000, seed=7)
    try:
        each.check(params, mode, depth)
    except Refusal:
        return
    with mock.patch.multiple(strips, STRIP=data.draw(st.sampled_from([1, 1000])), OVERLAP=1):
        by_strips = strips.apply(Chain((Step(each, params),)), pixels, place)
    np.testing.assert_array_equal(by_strips, each.apply(pixels, params, place))


def test_strips_are_as_high_as_the_filter_asks_for():
    """Few rows are taken at once; many in strips that overlap by what the filter reaches, and begin with cells."""
    each = registry()["invert"]
    pixels, place, seen = np.zeros((100, 4, 1), np.uint8), Place(y0=37, width=4, height=500), []

    def apply(part, _, where):
        seen.append((where.y0, where.y0 + len(part)))
        return part

    def heights(strip, radius, cell):
        seen.clear()
        with (
            mock.patch.object(strips, "STRIP", strip),
            mock.patch.multiple(each, apply=apply, radius=lambda *_: radius, align=lambda _: cell, create=True),
        ):
            strips.apply(Chain((Step(each, each.Params()),)), pixels, place)
        return list(seen)

    assert heights(4 * 34, 0, 1) == [(37, 137)]
    assert heights(4 * 30, 0, 1) == [(37, 67), (67, 97), (97, 127), (127, 137)]
    assert heights(4 * 15, 0, 10) == [(37, 50), (50, 70), (70, 90), (90, 110), (110, 130), (130, 137)]
    assert heights(1, 1, 1)[:2] == [(37, 54), (52, 70)]
    assert heights(1, 3, 1) == [(37, 137)]
