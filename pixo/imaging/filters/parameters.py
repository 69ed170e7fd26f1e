"""A filter's parameters, read from its record: what there is, and how a written value becomes a typed one."""

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import NODEFAULT, Struct, inspect

from pixo.errors import ConfigError, Refusal

INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
WORD = re.compile(r"[A-Za-z0-9._-]+")


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter of a filter, as the catalogue shows it."""

    name: str
    type: Literal["integer", "number", "boolean", "choice"]
    minimum: float | None = None
    maximum: float | None = None
    default: Any
    choices: tuple[str, ...] | None = None
    help: str


def describe(params: type[Struct]) -> tuple[Parameter, ...]:
    """Return the parameters that a record holds; raise ConfigError for a field that a chain cannot write."""
    return tuple(_parameter(params, field) for field in msgspec.structs.fields(params))


def read(parameter: Parameter, text: str, where: str) -> Any:
    """Return the value that ``text`` writes; raise Refusal ``bad-parameter`` when it is none or out of range."""
    match parameter.type:
        case "integer":
            return _in_range(parameter, _number(int, INTEGER, "a whole number", text, where), where)
        case "number":
            return _in_range(parameter, _number(float, NUMBER, "a number", text, where), where)
        case "boolean":
            return _one_of(("true", "false"), text, where) == "true"
        case "choice":
            return _one_of(parameter.choices or (), text, where)


def write(value: Any) -> str:
    """Return the shortest text that `read` turns into the same value: ``4`` for 4.0, ``true`` for True."""
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def _parameter(params: type[Struct], field: msgspec.structs.FieldInfo) -> Parameter:
    kind = inspect.type_info(field.type)
    text = ""
    while isinstance(kind, inspect.Metadata):
        text = text or (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    where = f"{params.__module__}.{params.__qualname__}.{field.name}"
    if field.default is NODEFAULT or not text:
        raise ConfigError(f"{where}: a parameter needs a default and Meta(description=...)")
    match kind:
        case inspect.IntType(ge=int(low), le=int(high)):
            return Parameter(
                name=field.name, type="integer", minimum=low, maximum=high, default=field.default, help=text
            )
        case inspect.FloatType(ge=(int() | float()) as low, le=(int() | float()) as high):
            return Parameter(
                name=field.name, type="number", minimum=low, maximum=high, default=field.default, help=text
            )
        case inspect.BoolType():
            return Parameter(name=field.name, type="boolean", default=field.default, help=text)
        case inspect.LiteralType(values=values) if all(isinstance(v, str) and WORD.fullmatch(v) for v in values):
            return Parameter(
                name=field.name, type="choice", choices=tuple(map(str, values)), default=field.default, help=text
            )
    raise ConfigError(f"{where}: a parameter is an int or float with Meta(ge=, le=), a bool, or a Literal of words")


def _number(make: Callable[[str], Any], pattern: re.Pattern[str], kind: str, text: str, where: str) -> Any:
    if not pattern.fullmatch(text):
        raise Refusal("bad-parameter", f"{where} must be {kind}, not {text!r}", measured=text)
    return make(text) + 0  # -0.0 becomes 0.0


def _in_range(parameter: Parameter, value: float, where: str) -> float:
    low, high = parameter.minimum, parameter.maximum
    if low is not None and value < low:
        raise Refusal(
            "bad-parameter", f"{where} is {write(value)}; it must be at least {write(low)}", measured=value, limit=low
        )
    if high is not None and value > high:
        raise Refusal(
            "bad-parameter", f"{where} is {write(value)}; it must be at most {write(high)}", measured=value, limit=high
        )
    return value


def _one_of(choices: tuple[str, ...], text: str, where: str) -> str:
    if text not in choices:
        raise Refusal(
            "bad-parameter",
            f"{where} must be one of {', '.join(choices)}, not {text!r}",
            measured=text,
            limit=list(choices),
        )
    return text
