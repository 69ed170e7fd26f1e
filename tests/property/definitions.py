"""What each filter is, slowly; and a filter applied to a whole image.

A definition takes colours as int64 (h, w, c) without alpha, parameters and the full scale, and gives colours.
"""

import numpy as np

from pixo.imaging import strips
from pixo.imaging.chain import Chain, Step
from pixo.imaging.filters import Place, registry


def whole(chain, pixels):
    """Filter in one piece."""
    return strips.apply(chain, pixels, Place(y0=0, width=pixels.shape[1], height=pixels.shape[0], seed=7))


def filtered(name, arguments, pixels):
    """Apply one filter to a whole image."""
    each = registry()[name]
    return whole(Chain((Step(each, each.Params(**arguments)),)), pixels)


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
