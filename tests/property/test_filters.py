"""Every filter: by tiles as whole, and by its definition."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pixo.errors import Refusal
from pixo.imaging import strips
from pixo.imaging.chain import Chain, Step
from pixo.imaging.filters import Place, registry
from tests import strategies
from tests.property.definitions import DEFINITIONS, filtered, true_gaussian, true_luma, whole

FILTERS = sorted(registry())


def by_tiles(chain, pixels, rows):
    """Filter strips of so many rows, each with its halo, and put what is left without it together."""
    height, width, _ = pixels.shape
    halo = chain.halo(pixels.itemsize * 8)
    pieces = []
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        first, last = max(0, top - halo), min(height, bottom + halo)
        strip = strips.apply(chain, pixels[first:last], Place(y0=first, width=width, height=height, seed=7))
        assert strip.shape[:2] == (last - first, width)
        pieces.append(strip[top - first : bottom - first])
    return np.concatenate(pieces)


def taken(chain, mode, depth) -> bool:
    """Tell whether the chain takes such images."""
    try:
        chain.check(mode, depth)
    except Refusal:
        return False
    return True


def assert_tiled_equals_whole(chain, pixels, heights):
    """Compare one piece with tiles of ``heights`` times the chain's alignment; the input must stay as it is."""
    mode, depth = strategies.MODES[pixels.shape[2] - 1], pixels.itemsize * 8
    assume(taken(chain, mode, depth))
    before = pixels.copy()
    pixels.setflags(write=False)

    expected = whole(chain, pixels)
    tiled = by_tiles(chain, pixels, heights * chain.align())

    assert expected.dtype == pixels.dtype
    assert expected.shape == (*pixels.shape[:2], len(chain.out_mode(mode)))
    np.testing.assert_array_equal(tiled, expected)
    np.testing.assert_array_equal(pixels, before)
    assert chain.cost(mode, depth) >= 0


@pytest.mark.parametrize("name", FILTERS)
@given(data=st.data(), pixels=strategies.images(), heights=st.integers(1, 40))
def test_tiled_equals_whole(name, data, pixels, heights) -> None:
    """A filter gives the same pixels by tiles as in one piece, of the mode it says, and leaves its input alone."""
    each = registry()[name]
    chain = Chain((Step(each, data.draw(strategies.parameters(each))),))

    assert_tiled_equals_whole(chain, pixels, heights)


@given(chain=strategies.chains(4), pixels=strategies.images(), heights=st.integers(1, 40))
def test_tiled_equals_whole_for_chains(chain, pixels, heights) -> None:
    """A chain gives the same pixels by tiles as in one piece: halos add up, cells of other filters' halos too."""
    assert_tiled_equals_whole(chain, pixels, heights)


@given(
    sizes=st.lists(st.integers(2, 128), min_size=2, max_size=3),
    sigma=st.floats(0.3, 3),
    heights=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_cells_of_several_sizes(sizes, sigma, heights, seed) -> None:
    """Cells whose sizes have no small common multiple, before and after a blur, come out whole."""
    cells, blur = registry()["pixelate"], registry()["blur"]
    found = [Step(cells, cells.Params(size=size)) for size in sizes]
    chain = Chain((found[0], Step(blur, blur.Params(sigma=sigma)), *found[1:]))
    pixels = strategies.picture(np.random.default_rng(seed), (311, 5, 3), 8)

    assert_tiled_equals_whole(chain, pixels, heights)


# How far from the definition, in levels of 8 and of 16 bits: half is rounding alone.
ROUNDING = {
    "grayscale": (0.51, 2),
    "sepia": (0.9, 120),  # weights are 1024ths
    "blur": (2, 4),  # weights are 256ths and 65536ths, twice
    "unsharp": (6, 12),  # that, times the amount
}
LARGE_MEDIAN = ("median", {"radius": 5})
SAMPLES = [
    ("grayscale", {}),
    ("invert", {}),
    ("sepia", {}),
    ("sepia", {"amount": 0.5}),
    ("brightness", {"amount": 0.3}),
    ("brightness", {"amount": 2.5}),
    ("contrast", {"amount": 0.5}),
    ("contrast", {"amount": 3.0}),
    ("blur", {"sigma": 0.5}),
    ("blur", {"sigma": 2.0}),
    ("blur", {"sigma": 5.0}),
    ("blur", {"sigma": 50.0}),
    ("box", {"radius": 1}),
    ("box", {"radius": 7}),
    ("box", {"radius": 8}),
    ("box", {"radius": 50}),
    ("sharpen", {}),
    ("sharpen", {"amount": 2.5}),
    ("unsharp", {}),
    ("unsharp", {"sigma": 2.0, "amount": 2.5}),
    ("edges", {}),
    ("emboss", {}),
    ("emboss", {"amount": 0.5}),
    ("median", {}),
    ("median", {"radius": 2}),
    LARGE_MEDIAN,
    ("threshold", {}),
    ("threshold", {"level": 1}),
    ("threshold", {"level": 255}),
    ("posterize", {}),
    ("posterize", {"levels": 7}),
    ("pixelate", {}),
    ("pixelate", {"size": 5}),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "arguments", "depth"),
    [(*sample, depth) for sample in SAMPLES for depth in (8, 16) if (*sample, depth) != (*LARGE_MEDIAN, 16)],
)
def test_definition(name, arguments, channels, depth) -> None:
    """A filter does what its help says, rounded, on noise and on few levels."""
    params = registry()[name].Params(**arguments)
    full = (1 << depth) - 1
    tolerance = ROUNDING.get(name, (0.5, 0.5))[depth == 16] + 1e-6
    for kind in ("noise", "few"):
        pixels = strategies.picture(np.random.default_rng(1), (37, 41, channels), depth, kind)
        wanted = DEFINITIONS[name](pixels.astype(np.int64), params, full)

        found = filtered(name, arguments, pixels).astype(float)

        if name == "threshold":  # luma is rounded: right at the level both are
            near = abs(true_luma(pixels.astype(float))[..., None] - params.level * full // 255) < 2
            assert (near | (found == wanted)).all()
            assert set(np.unique(found)) <= {0, full}
        else:
            assert abs(found - wanted).max() <= tolerance


def test_every_filter_has_a_definition() -> None:
    """No filter is without a golden test."""
    assert sorted(DEFINITIONS) == sorted({name for name, _ in SAMPLES}) == FILTERS


@pytest.mark.parametrize("name", FILTERS)
def test_defaults_do_something(name) -> None:
    """A filter with its defaults changes a coloured picture."""
    pixels = strategies.picture(np.random.default_rng(2), (40, 40, 3), 8)

    assert not np.array_equal(filtered(name, {}, pixels), pixels)


@pytest.mark.parametrize("sigma", [6.0, 8.0, 20.0, 50.0])
def test_wide_blurs_are_exact_to_a_level(sigma) -> None:
    """Stripes and noise of full contrast, of any width of the blur, come out as defined, with and without alpha."""
    stripes = np.broadcast_to((np.arange(300) // 2 % 2 * 255)[:, None], (40, 300, 1))
    noise = np.random.default_rng(8).integers(0, 2, (40, 300, 1)) * 255
    for picture in (stripes, noise):
        pixels = picture.astype(np.uint8)
        opaque = np.concatenate((pixels, np.full_like(pixels, 255)), axis=2)
        wanted = true_gaussian(picture, sigma)

        assert abs(filtered("blur", {"sigma": sigma}, pixels) - wanted).max() <= 1
        assert abs(filtered("blur", {"sigma": sigma}, opaque)[..., :1] - wanted).max() <= 1


def test_known_luma() -> None:
    """Grayscale gives the luma that everybody knows."""
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]]], np.uint8)

    assert filtered("grayscale", {}, colours)[0, :, 0].tolist() == [76, 150, 29, 255, 0]
    assert filtered("grayscale", {}, colours.astype(np.uint16) * 257)[0, 3:, 0].tolist() == [65535, 0]


def test_unsharp_threshold() -> None:
    """Differences below the threshold are left alone, others are added, on both depths alike."""
    pixels = np.full((20, 20, 1), 100, np.uint8)
    pixels[:, 10:] = 104
    pixels[10:, 10:] = 200
    weak, strong = np.s_[2, 9], np.s_[18, 9]

    for each in (pixels, pixels.astype(np.uint16) * 257):
        plain = filtered("unsharp", {}, each)
        choosy = filtered("unsharp", {"threshold": 10}, each)
        assert plain[weak][0] < each[weak][0]
        assert choosy[weak][0] == each[weak][0]
        assert choosy[strong][0] == plain[strong][0] < each[strong][0]
