"""The kinds of problems that the code names, as it is written."""

import ast
from collections.abc import Iterator
from pathlib import Path

NAMED_AT = {"Refusal": 0, "most": 2, "answer": 0}
"""Functions that are given a kind, and which argument it is."""
HERE = ("pixo/imaging", "pixo/state", "services/web")


def named(*functions: str) -> set[str]:
    """Give the kinds that these functions are given, where web may meet them."""
    calls = (node for root in HERE for path in Path(root).rglob("*.py") for node in _calls(path))
    return {kind for node in calls for kind in _kind(node, functions)}


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def _kind(call: ast.Call, functions: tuple[str, ...]) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    given = call.args[NAMED_AT[name] : NAMED_AT[name] + 1] if name in functions else []
    return (str(one.value) for one in given if isinstance(one, ast.Constant))
