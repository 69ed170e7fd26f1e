"""A large picture for want of a photo: sky, sun, hills and a camera's noise, painted in strips in little memory."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from pixo.imaging.encode import encode
from pixo.imaging.join import join
from pixo.imaging.join.jpeg import Write
from pixo.imaging.metadata import Metadata
from pixo.imaging.plan import Output, Plan

ROWS = 128
NOISE = 9.0
"""Standard deviation of the noise, in steps of 256: that of a good camera in daylight."""
_SKY = np.array([[52, 98, 168], [214, 226, 236]], np.float32)
_HILLS = np.array([[120, 140, 160], [84, 116, 104], [58, 92, 58], [32, 60, 34]], np.float32)

Strip = NDArray[np.uint8]


class Painting:
    """A picture of so many pixels, the same on every machine."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        random = np.random.default_rng(3)
        # Each strip takes its noise from another place in one block: painting must not take longer than processing.
        self._noise = random.normal(0.0, NOISE, (ROWS, 2 * width)).astype(np.float32)
        self._offsets = random.integers(0, width, ceil(height / ROWS))
        across = np.linspace(0, 1, width, dtype=np.float32)
        self._ridges = [_ridge(across, layer) * height for layer in range(len(_HILLS))]

    def strip(self, number: int) -> Strip:
        """Return rows ``number * 128`` and following, (rows, width, 3) uint8 RGB."""
        top = number * ROWS
        rows = np.arange(top, min(top + ROWS, self.height), dtype=np.float32)
        down = (rows / self.height)[:, None, None]
        colour = np.broadcast_to(_SKY[0] + (_SKY[1] - _SKY[0]) * down, (len(rows), self.width, 3)).copy()
        self._sun(colour, rows)
        for ridge, paint in zip(self._ridges, _HILLS, strict=True):
            below = rows[:, None] > ridge[None, :]
            if below.any():
                depth = (rows[:, None] - ridge[None, :])[below] / self.height
                colour[below] = paint * (1 - 0.8 * depth[:, None])
        offset = self._offsets[number]
        colour += self._noise[: len(rows), offset : offset + self.width, None]
        painted: Strip = np.clip(colour, 0, 255).astype(np.uint8)
        return painted

    def write(self, write: Write) -> None:
        """Write it as a JPEG."""
        plan = Plan(
            width=self.width,
            height=self.height,
            source="jpeg",
            engine="stream",
            mode="RGB",
            depth=8,
            chain="",
            out_mode="RGB",
            output=Output(format="jpeg"),
            piece="jpeg",
            rows=ROWS,
            skip=0.0,
            seconds=0.0,
        )
        join(plan, Metadata(), (encode(self.strip(n), plan) for n in range(plan.tiles)), write)

    def _sun(self, colour: NDArray[np.float32], rows: NDArray[np.float32]) -> None:
        x, y, radius = 0.72 * self.width, 0.22 * self.height, 0.07 * self.height
        if rows[-1] < y - radius or rows[0] > y + radius:
            return
        columns = np.arange(self.width, dtype=np.float32)
        inside = (columns[None, :] - x) ** 2 + (rows[:, None] - y) ** 2 < radius**2
        colour[inside] = (255, 244, 214)


def _ridge(across: NDArray[np.float32], layer: int) -> NDArray[np.float32]:
    """Return the height of a range of hills at each column, 0 (top) to 1."""
    line = np.full_like(across, 0.42 + 0.14 * layer)
    for octave in range(1, 9):
        line += 0.11 / octave**1.3 * np.sin(across * (2.3 * octave**1.6 + layer) * 2 * np.pi + 1.7 * layer * octave)
    return line.astype(np.float32)
