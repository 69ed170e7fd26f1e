"""Every filter: by tiles as whole, and by its definition."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pixo.errors import Refusal
from pixo.imaging.chain import Chain, Step
from pixo.imaging.filters import Place, registry
from pixo.imaging.filters.alpha import stood_in, weighed
from tests import strategies

FILTERS = sorted(registry())


def whole(chain, pixels):
    """Filter in one piece."""
    return chain.apply(pixels, Place(y0=0, width=pixels.shape[1], height=pixels.shape[0], seed=7))


def by_tiles(chain, pixels, rows):
    """Filter strips of so many rows, each with its halo, and put what is left without it together."""
    height, width, _ = pixels.shape
    halo = chain.halo(pixels.itemsize * 8)
    pieces = []
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        first, last = max(0, top - halo), min(height, bottom + halo)
        strip = chain.apply(pixels[first:last], Place(y0=first, width=width, height=height, seed=7))
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


# What each filter is, slowly: (colours as int64 (h, w, c) without alpha, parameters, full scale) -> colours.


def neighbours(colours, radius):
    """Give the square around each pixel, the border repeated: (h, w, c, 2r+1, 2r+1)."""
    padded = np.pad(colours, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1), axis=(0, 1))


def weighted(colours, kernel):
    """Sum the 3x3 neighbours by weights."""
    return (neighbours(colours, 1) * np.array(kernel)).sum(axis=(3, 4))


def true_luma(colours):
    """Weigh by BT.601, in floating point."""
    return colours @ np.array([0.299, 0.587, 0.114]) if colours.shape[2] == 3 else colours[..., 0].astype(float)


def true_sepia(colours, params, full):
    """Multiply by the matrix of the W3C, on three equal channels where there is but one."""
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    matrix = np.eye(3) * (1 - params.amount) + matrix * params.amount
    return np.minimum(np.broadcast_to(colours, (*colours.shape[:2], 3)) @ matrix.T, full)


def true_gaussian(colours, sigma):
    """Convolve in floating point, out to four sigma."""
    radius = int(np.ceil(4 * sigma))
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(colours, [(radius, radius) if each == axis else (0, 0) for each in range(3)], mode="edge")
        colours = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=axis) @ kernel
    return colours


def true_unsharp(colours, params, full):
    """Add the difference from the blur where it is large enough; near the threshold both are right."""
    difference = colours - true_gaussian(colours, params.sigma)
    least = params.threshold * full // 255
    return np.where(abs(difference) < least, colours, np.clip(colours + params.amount * difference, 0, full))


def true_pixelate(colours, params, _full):
    """Average cell by cell."""
    result = np.empty(colours.shape)
    for y in range(0, colours.shape[0], params.size):
        for x in range(0, colours.shape[1], params.size):
            cell = np.s_[y : y + params.size, x : x + params.size]
            result[cell] = colours[cell].mean(axis=(0, 1))
    return result


def true_sharpen(colours, params, full):
    """Move away from the neighbours' mean."""
    mean = weighted(colours, [[1, 1, 1], [1, 0, 1], [1, 1, 1]]) / 8
    return np.clip(colours + params.amount * (colours - mean), 0, full)


def true_emboss(colours, params, full):
    """Add the slope."""
    return np.clip(colours + params.amount * weighted(colours, [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]), 0, full)


def true_edges(colours, _params, full):
    """Add the magnitudes of both Sobel gradients."""
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.minimum(abs(weighted(colours, sobel)) + abs(weighted(colours, sobel.T)), full)


def true_posterize(colours, params, full):
    """Go to the nearest of the levels."""
    return np.floor(colours / full * (params.levels - 1) + 0.5) * full / (params.levels - 1)


DEFINITIONS = {
    "grayscale": lambda c, _, __: true_luma(c)[..., None],
    "invert": lambda c, _, full: full - c,
    "sepia": true_sepia,
    "brightness": lambda c, p, full: np.minimum(c * p.amount, full),
    "contrast": lambda c, p, full: np.clip((c - full / 2) * p.amount + full / 2, 0, full),
    "blur": lambda c, p, _: true_gaussian(c, p.sigma),
    "box": lambda c, p, _: neighbours(c, p.radius).mean(axis=(3, 4)),
    "sharpen": true_sharpen,
    "unsharp": true_unsharp,
    "edges": true_edges,
    "emboss": true_emboss,
    "median": lambda c, p, _: np.median(neighbours(c, p.radius), axis=(3, 4)),
    "threshold": lambda c, p, full: np.where(true_luma(c)[..., None] >= p.level * full // 255, full, 0),
    "posterize": true_posterize,
    "pixelate": true_pixelate,
}
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


def filtered(name, arguments, pixels):
    """Apply one filter to a whole image."""
    each = registry()[name]
    return whole(Chain((Step(each, each.Params(**arguments)),)), pixels)


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


NEIGHBOURLY = ["edges", "emboss", "sharpen", "unsharp"]
"""They keep alpha, and look at neighbours that may be transparent."""


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", [name for name in FILTERS if name not in ("blur", "box", "median", "pixelate")])
def test_alpha_stays(name, depth) -> None:
    """Filters that do not average leave alpha alone, and filter colours as if there were none where it is full."""
    for channels in (2, 4):
        pixels = strategies.picture(np.random.default_rng(3), (23, 29, channels), depth)
        if name in NEIGHBOURLY:  # below row 12 colours are filtered with what lies above
            pixels[8:, :, -1] = (1 << depth) - 1

        found = filtered(name, {}, pixels)

        np.testing.assert_array_equal(found[..., -1], pixels[..., -1])
        opaque = filtered(name, {}, np.ascontiguousarray(pixels[..., :-1]))
        seen = np.s_[12 if name in NEIGHBOURLY else 0 :, :, :-1]
        np.testing.assert_array_equal(found[seen], opaque[seen[0]])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("name", NEIGHBOURLY)
def test_hidden_colours_stay_hidden(name, channels, depth) -> None:
    """The colour of wholly transparent pixels changes nothing that can be seen."""
    random = np.random.default_rng(9)
    pixels, others = (strategies.picture(random, (37, 41, channels), depth) for _ in range(2))
    pixels[10:20, 10:20, -1] = (1 << depth) - 1
    hidden = pixels[..., -1:] == 0
    others = np.where(hidden & (np.arange(channels) < channels - 1), others, pixels)
    assert not np.array_equal(pixels, others)

    found, found_too = (filtered(name, {}, each) for each in (pixels, others))

    np.testing.assert_array_equal(np.where(hidden, 0, found), np.where(hidden, 0, found_too))


@pytest.mark.parametrize("hidden", [0, 255])
@pytest.mark.parametrize(("name", "inside"), [("sharpen", 100), ("unsharp", 100), ("edges", 0), ("emboss", 100)])
def test_a_cut_out_has_no_outline(name, inside, hidden) -> None:
    """One colour on transparent ground stays one colour, whatever colour the ground hides."""
    pixels = np.full((40, 40, 4), (hidden, hidden, hidden, 0), np.uint8)
    pixels[10:30, 10:30] = (100, 100, 100, 255)

    found = filtered(name, {}, pixels)[10:30, 10:30].astype(int)

    assert (found[..., 3] == 255).all()
    assert abs(found[..., :3] - inside).max() <= (name == "unsharp")  # its blur is rounded


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", ["sharpen", "edges", "emboss"])
def test_small_kernels_pass_over_what_is_hidden(name, depth) -> None:
    """Where a neighbour is hidden, the pixel itself stands in for it."""
    full = (1 << depth) - 1
    pixels = strategies.picture(np.random.default_rng(10), (23, 29, 4), depth)
    around = neighbours(pixels.astype(np.int64), 1)
    stood_in = np.where(around[:, :, -1:] == 0, pixels[..., None, None], around)[:, :, :-1]
    # Each pixel in the middle of a picture of its own, whose border is never looked at.
    small = stood_in.reshape(-1, 3, 3, 3).transpose(0, 2, 3, 1)
    params = registry()[name].Params()
    wanted = np.array([DEFINITIONS[name](each, params, full)[1, 1] for each in small]).reshape(23, 29, 3)

    seen = pixels[..., -1] > 0

    assert abs(filtered(name, {}, pixels)[..., :-1] - wanted)[seen].max() <= 0.5


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 8.0])
def test_unsharp_passes_over_what_is_hidden(sigma, depth) -> None:
    """Of what the blur reaches, the pixel itself stands in for what is hidden."""
    full = (1 << depth) - 1
    pixels = strategies.picture(np.random.default_rng(11), (37, 41, 4), depth)
    pixels[:, 20:, -1] = full
    colours, shown = pixels[..., :-1].astype(float), (pixels[..., -1:] > 0).astype(float)
    blurred = true_gaussian(colours * shown, sigma) + colours * (1 - true_gaussian(shown, sigma))
    wanted = np.clip(2 * colours - blurred, 0, full)

    found = filtered("unsharp", {"sigma": sigma}, pixels)[..., :-1]

    assert abs(found - wanted)[shown[..., 0] > 0].max() <= (3 if depth == 8 else 12)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize(
    ("name", "arguments", "tolerance"), [("blur", {"sigma": 2.0}, 1.5), ("box", {}, 1), ("pixelate", {"size": 5}, 1)]
)
def test_means_are_weighed_by_alpha(name, arguments, tolerance, channels, depth) -> None:
    """What averages gives the mean of alpha, and the mean of colours by their alpha."""
    full = (1 << depth) - 1
    pixels = strategies.picture(np.random.default_rng(4), (37, 41, channels), depth)
    pixels[20:, :, -1] //= 4
    params = registry()[name].Params(**arguments)
    alpha = pixels[..., -1:].astype(float)
    weight = DEFINITIONS[name](alpha, params, full)
    colours = DEFINITIONS[name](pixels[..., :-1] * alpha, params, full) / np.maximum(weight, 1)

    found = filtered(name, arguments, pixels).astype(float)

    assert abs(found[..., -1:] - weight).max() <= tolerance * (1 if depth == 8 else 2)
    seen = weight[..., 0] > full / 16
    assert abs(found[..., :-1] - colours)[seen].max() <= tolerance * (1 if depth == 8 else 20)


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


@pytest.mark.parametrize("name", ["blur", "box", "pixelate"])
def test_transparent_pixels_lend_no_colour(name) -> None:
    """Red beside transparent black stays red wherever it can be seen: no dark fringe."""
    pixels = np.zeros((30, 30, 4), np.uint8)
    pixels[:, 11:] = (255, 0, 0, 255)

    found = filtered(name, {}, pixels)

    assert 0 < found[15, 11, 3] < 255
    np.testing.assert_array_equal(
        found[found[..., 3] > 0][:, :3], np.broadcast_to((255, 0, 0), (30, 30, 3))[found[..., 3] > 0]
    )


@pytest.mark.parametrize("shown", [1.0, 0.5])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", FILTERS)
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


@pytest.mark.parametrize("depth", [8, 16])
def test_what_stands_in_is_exact(depth) -> None:
    """The share of a pixel itself is rounded alike wherever it stands: tiles would differ from the whole image."""
    random, full = np.random.default_rng(5), (1 << depth) - 1
    pixels, mean = (random.integers(0, full + 1, (300, 401, 4)).astype(f"uint{depth}") for _ in range(2))
    pixels[::2, :, -1] = 0
    found = stood_in(pixels, lambda _: mean.copy())
    own = (2 * pixels.astype(np.int64) * mean[..., -1:] + full) // (2 * full)
    np.testing.assert_array_equal(found, np.minimum(mean + own, full))


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


def test_median_takes_every_channel_alike() -> None:
    """The median of LA and RGBA ranks each channel for itself, alpha too, for small and large squares."""
    for channels in (2, 4):
        pixels = strategies.picture(np.random.default_rng(5), (19, 23, channels), 8)
        for radius in (1, 2, 3):
            wanted = np.median(neighbours(pixels, radius), axis=(3, 4))
            np.testing.assert_array_equal(filtered("median", {"radius": radius}, pixels), wanted)


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
