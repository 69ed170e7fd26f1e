"""The fields of an upload, read strictly: what is not understood is refused, never passed over."""

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from werkzeug.datastructures import MultiDict

from pixo.errors import Refusal
from pixo.imaging.planner import Request

DEFAULT_FILTERS = "grayscale"
FORMATS = ("keep", "jpeg", "png", "webp", "tiff")
NAMES = ("filters", "format", "quality", "metadata", "background", "tile_size", "priority")


class Fields(Struct, frozen=True, kw_only=True):
    """What the client wants."""

    filters: str
    request: Request
    tile_size: int | None
    """None where the planner chooses."""
    priority: str


def once(given: MultiDict[str, str]) -> dict[str, str]:
    """Return the fields of a query; raise Refusal for one that is given twice, of which only one could count."""
    for name, values in given.lists():
        if len(values) > 1:
            raise Refusal("repeated-field", f"The field {name!r} is given twice.", measured=name)
    return given.to_dict()


def read(given: Mapping[str, str]) -> Fields:
    """Read the fields; empty ones count as left out, but for ``filters``, where it means none."""
    for name in given:
        if name not in NAMES:
            fields = ", ".join(NAMES)
            raise Refusal("unknown-field", f"Unknown field {name!r}; the fields are image, {fields}.", measured=name)
    values = {name: value.strip() for name, value in given.items() if value.strip()}
    wanted = {"jpg": "jpeg", "tif": "tiff"}.get(values.get("format", "").lower(), values.get("format", "keep").lower())
    if wanted not in FORMATS:
        raise Refusal(
            "unknown-format",
            f"Unknown output format {wanted!r}; the formats are {', '.join(FORMATS)}.",
            measured=wanted,
            limit=list(FORMATS),
        )
    output: dict[str, object] = {
        "format": wanted,
        "metadata": choice(values, "metadata", ("keep", "strip")),
        "background": _colour(values.get("background", "#ffffff")),
    }
    if "quality" in values:
        output["quality"] = number(values, "quality", 1, 100)
    return Fields(
        filters=given.get("filters", DEFAULT_FILTERS),
        request=msgspec.convert(output, Request),
        tile_size=number(values, "tile_size", 16, 65536) if "tile_size" in values else None,
        priority=choice(values, "priority", ("normal", "high")),
    )


def choice(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return what a field is of the choices, the first where it is left out; raise Refusal("bad-field")."""
    value = values.get(name, choices[0])
    if value not in choices:
        raise Refusal(
            "bad-field", f"`{name}` must be one of {', '.join(choices)}.", measured=value, limit=list(choices)
        )
    return value


def number(values: Mapping[str, str], name: str, least: int, most: int) -> int:
    """Return the whole number that a field is; raise Refusal("bad-field")."""
    text = values[name]
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Refusal(
            "bad-field", f"`{name}` must be a whole number from {least} to {most}.", measured=text, limit=[least, most]
        )
    return int(text)


def _colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise Refusal("bad-field", "`background` must be a colour like #ffffff.", measured=text)
    return text.lower()
