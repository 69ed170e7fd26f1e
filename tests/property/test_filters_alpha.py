"""Transparency: kept or averaged, and what it hides stays hidden."""

import numpy as np
import pytest

from pixo.imaging.filters import registry
from pixo.imaging.filters.alpha import stood_in
from tests import strategies
from tests.property.definitions import DEFINITIONS, filtered, neighbours, true_gaussian

NEIGHBOURLY = ["edges", "emboss", "sharpen", "unsharp"]
"""They keep alpha, and look at neighbours that may be transparent."""


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "name", [name for name in sorted(registry()) if name not in ("blur", "box", "median", "pixelate")]
)
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


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize(("name", "arguments", "radius"), [("blur", {"sigma": 3.0}, 12), ("box", {"radius": 4}, 4)])
def test_what_nothing_transparent_surrounds_is_as_without_alpha(name, arguments, radius, channels, depth) -> None:
    """Exactly so, and where that ends depends on pixels alone: whatever rows are filtered together."""
    full = (1 << depth) - 1
    pixels = strategies.picture(np.random.default_rng(6), (90, 60, channels), depth)
    pixels[..., -1] = full
    pixels[30, 10, -1] = full - 1
    far = np.ones((90, 60), bool)
    far[30 - radius : 31 + radius, : 11 + radius] = False

    found = filtered(name, arguments, pixels)

    opaque = filtered(name, arguments, np.ascontiguousarray(pixels[..., :-1]))
    np.testing.assert_array_equal(found[far][:, :-1], opaque[far])
    assert (found[far][:, -1] == full).all()
    for top in range(0, 90, 10):
        start, end = max(0, top - radius), min(90, top + 10 + radius)
        part = filtered(name, arguments, pixels[start:end])
        np.testing.assert_array_equal(part[top - start :][:10], found[top : top + 10])


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


@pytest.mark.parametrize("depth", [8, 16])
def test_what_stands_in_is_exact(depth) -> None:
    """The share of a pixel itself is rounded alike wherever it stands: tiles would differ from the whole image."""
    random, full = np.random.default_rng(5), (1 << depth) - 1
    pixels, mean = (random.integers(0, full + 1, (300, 401, 4)).astype(f"uint{depth}") for _ in range(2))
    pixels[::2, :, -1] = 0
    found = stood_in(pixels, lambda _: mean.copy())
    own = (2 * pixels.astype(np.int64) * mean[..., -1:] + full) // (2 * full)
    np.testing.assert_array_equal(found, np.minimum(mean + own, full))


def test_median_takes_every_channel_alike() -> None:
    """The median of LA and RGBA ranks each channel for itself, alpha too, for small and large squares."""
    for channels in (2, 4):
        pixels = strategies.picture(np.random.default_rng(5), (19, 23, channels), 8)
        for radius in (1, 2, 3):
            wanted = np.median(neighbours(pixels, radius), axis=(3, 4))
            np.testing.assert_array_equal(filtered("median", {"radius": radius}, pixels), wanted)
