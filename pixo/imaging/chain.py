"""A chain of filters, and its text.

The text is filters separated by commas, parameters by colons: ``blur:sigma=4,grayscale``. Blanks around names and
values are ignored. A filter of one parameter takes its value alone: ``blur:4`` is ``blur:sigma=4``. Parameters that
are left out have their defaults. ``none``, or nothing at all, is the empty chain: the image is only encoded anew.
"""

from difflib import get_close_matches
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, structs

from pixo.errors import Refusal
from pixo.imaging.filters import Filter, registry
from pixo.imaging.filters.parameters import Parameter, describe, read, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixo.imaging.plan import Mode

MAX_FILTERS = 16
MAX_TEXT = 2000
"""Longest text of a chain, characters."""
MAX_HALO = 512
"""Most rows that a chain may read above and below a tile: a tile is four times as high, at full width."""
MAX_ALIGN = 512
"""Most rows that tiles are aligned to, together with the 16 of JPEG; coarser cells get a halo instead."""
MCU = 16


class Step(NamedTuple):
    """One filter with its parameters."""

    filter: Filter[Any]
    params: Struct


class Chain(Struct, frozen=True):
    """Filters in the order of their work. All promises hold for images of ``depth`` 8 or 16 bits."""

    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(_text, self.steps)) or "none"

    def halo(self, depth: int) -> int:
        """Return the rows above and below a tile that its result depends on; tiles lie on multiples of `align`."""
        aligned = self.align()
        rows = 0
        for step in reversed(self.steps):
            cell = step.filter.align(step.params)
            # Cells are read whole. If tiles begin with a cell, so does the halo; else up to a cell less a row is cut.
            rows = -(-rows // cell) * cell if aligned % cell == 0 else rows + cell - 1
            rows += step.filter.radius(step.params, depth)
        return rows

    def align(self) -> int:
        """Return the rows that a tile's height has to be a multiple of."""
        rows = 1
        for step in self.steps:
            both = lcm(rows, step.filter.align(step.params))
            if lcm(both, MCU) <= MAX_ALIGN:
                rows = both
        return rows

    def starts_with_luma(self) -> bool:
        """Return whether the result depends on luma alone, so that colour need not be decoded."""
        return bool(self.steps) and self.steps[0].filter.luma

    def out_mode(self, mode: "Mode") -> "Mode":
        """Return the mode that comes out when ``mode`` goes in."""
        for step in self.steps:
            mode = step.filter.out_mode(mode)
        return mode

    def cost(self, mode: "Mode", depth: int) -> float:
        """Estimate the milliseconds per megapixel on one core."""
        total = 0.0
        for step in self.steps:
            total += step.filter.cost(step.params, mode, depth)
            mode = step.filter.out_mode(mode)
        return total

    def check(self, mode: "Mode", depth: int) -> None:
        """Raise Refusal (``unsupported-depth``) if a filter cannot process such images."""
        for step in self.steps:
            step.filter.check(step.params, mode, depth)
            mode = step.filter.out_mode(mode)


def parse(text: str) -> Chain:
    """Return the chain that ``text`` writes.

    Raises Refusal: ``unknown-filter``, ``unknown-parameter``, ``bad-parameter``, ``too-many-filters``, ``bad-chain``.
    """
    if len(text) > MAX_TEXT:
        raise Refusal(
            "bad-chain",
            f"the chain has {len(text)} characters; at most {MAX_TEXT} are allowed",
            measured=len(text),
            limit=MAX_TEXT,
        )
    if text.strip() in ("", "none"):
        return Chain()
    parts = text.split(",")
    if len(parts) > MAX_FILTERS:
        raise Refusal(
            "too-many-filters",
            f"the chain has {len(parts)} filters; at most {MAX_FILTERS} are allowed",
            measured=len(parts),
            limit=MAX_FILTERS,
        )
    chain = Chain(tuple(_step(part) for part in parts))
    halo = max(chain.halo(8), chain.halo(16))
    if halo > MAX_HALO:
        raise Refusal(
            "bad-chain",
            f"the chain has a halo of {halo} rows; at most {MAX_HALO} are allowed: use a smaller sigma, radius or size",
            measured=halo,
            limit=MAX_HALO,
        )
    return chain


def _text(step: Step) -> str:
    changed = (
        f":{field.name}={write(value)}"
        for field in structs.fields(step.params)
        if (value := getattr(step.params, field.name)) != field.default
    )
    return step.filter.name + "".join(changed)


def _step(part: str) -> Step:
    name, *assignments = (piece.strip() for piece in part.split(":"))
    if not name:
        raise Refusal("bad-chain", f"{part!r} does not name a filter; write one like blur:sigma=4", measured=part)
    found = registry().get(name)
    if found is None:
        raise Refusal("unknown-filter", _unknown("filter", name, registry()), measured=name, limit=list(registry()))
    known = {parameter.name: parameter for parameter in describe(found.Params)}
    values: dict[str, Any] = {}
    for assignment in assignments:
        parameter, text = _assignment(found.name, known, assignment)
        if parameter.name in values:
            raise Refusal("bad-parameter", f"{name}: {parameter.name} is given twice, again as {text!r}", measured=text)
        values[parameter.name] = read(parameter, text, f"{name}: {parameter.name}")
    return Step(found, found.Params(**values))


def _assignment(name: str, known: dict[str, Parameter], text: str) -> tuple[Parameter, str]:
    key, sign, value = (piece.strip() for piece in text.partition("="))
    if not sign and len(known) == 1:
        return next(iter(known.values())), key
    if not sign and key not in known:
        raise Refusal("bad-chain", f"{name}: {text!r} is not a parameter; write name=value", measured=text)
    if key not in known:
        raise Refusal(
            "unknown-parameter", f"{name}: {_unknown('parameter', key, known)}", measured=key, limit=list(known)
        )
    return known[key], value


def _unknown(kind: str, name: str, known: "Iterable[str]") -> str:
    known = list(known)
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}" if known else "it has none"
    return f"unknown {kind} {name!r}; {hint}"
