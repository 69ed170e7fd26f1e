"""What hypothesis draws: filters' parameters from the ranges that their records declare, chains, images."""

import numpy as np
from hypothesis import strategies as st

from pixo.imaging.chain import MAX_HALO, Chain, Step
from pixo.imaging.filters import registry
from pixo.imaging.filters.parameters import describe

MODES = ("L", "LA", "RGB", "RGBA")
SIDES = (1, 2, 3, 5, 7, 13, 16, 17, 31, 61, 97, 127)


def _values(parameter):
    low, high = parameter.minimum, parameter.maximum
    match parameter.type:
        case "integer":  # the lower end more often: radii smaller than the images
            return st.integers(low, high) | st.integers(low, min(high, low + 4))
        case "number":
            return st.floats(low, high) | st.floats(low, low + (high - low) / 16)
        case "boolean":
            return st.booleans()
        case _:
            return st.sampled_from(parameter.choices)


def parameters(each):
    """Draw the record of a filter's parameters."""
    return st.builds(each.Params, **{one.name: _values(one) for one in describe(each.Params)})


def steps():
    """Draw a filter with its parameters."""
    return st.deferred(lambda: st.sampled_from(list(registry().values()))).flatmap(
        lambda each: parameters(each).map(lambda params: Step(each, params))
    )


def chains(max_size=3):
    """Draw a chain that `parse` would take."""
    drawn = st.lists(steps(), max_size=max_size).map(lambda found: Chain(tuple(found)))
    return drawn.filter(lambda chain: chain.halo(8) <= MAX_HALO)


@st.composite
def images(draw, depths=(8, 16), modes=MODES):
    """Draw pixels (h, w, c): noise, flat, a slope or few levels, with alpha often at its ends."""
    height, width = draw(st.sampled_from(SIDES)), draw(st.sampled_from(SIDES))
    channels, depth = len(draw(st.sampled_from(modes))), draw(st.sampled_from(depths))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return picture(random, (height, width, channels), depth, draw(st.sampled_from(("noise", "flat", "slope", "few"))))


def picture(random, shape, depth, kind="noise"):
    """Give pixels of a shape, a depth and a kind; alpha is 0 or full for half of them."""
    full = (1 << depth) - 1
    if kind == "noise":
        pixels = random.integers(0, full + 1, shape)
    elif kind == "flat":
        pixels = np.broadcast_to(random.integers(0, full + 1, shape[2]), shape).copy()
    elif kind == "slope":
        pixels = (np.add.outer(np.arange(shape[0]) * 3, np.arange(shape[1]))[..., None] * [7, 5, 3, 2][: shape[2]]) % (
            full + 1
        )
    else:
        pixels = random.choice([0, 1, full // 2, full - 1, full], shape)
    if shape[2] in (2, 4):
        pixels[..., -1] = np.where(random.random(shape[:2]) < 0.5, random.choice([0, full], shape[:2]), pixels[..., -1])
    return np.ascontiguousarray(pixels, np.uint8 if depth == 8 else np.uint16)
