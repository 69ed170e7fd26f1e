"""The table of values in the chart's README, made from values.yaml; ``python -m tests.chart.tables`` writes it."""

import json
import re
from collections.abc import Iterator

import yaml

from tests.chart.rendering import CHART

README = CHART / "README.md"
BEGIN = "<!-- values: python -m tests.chart.tables writes this -->\n"
END = "<!-- end -->"
INDENT = 2


def described() -> Iterator[tuple[str, str]]:
    """Give the path of every key of values.yaml that has a description, with it."""
    path: list[str] = []
    text = ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        if comment := re.fullmatch(r" *# -- (.*)", line):
            text = comment[1]
        elif key := re.match(r"( *)([A-Za-z]\w*):", line):
            path = [*path[: len(key[1]) // INDENT], key[2]]
            if text:
                yield ".".join(path), text
            text = ""


def table() -> str:
    """Give the table."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = ["", "| value | default | what it is |", "|---|---|---|"]
    for path, text in described():
        default = values
        for word in path.split("."):
            default = default[word]
        shown = json.dumps(default) if not isinstance(default, dict) or not default else "…"
        lines.append(f"| `{path}` | `{shown}` | {text.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n\n"


def with_values(text: str) -> str:
    """Give the README with the table between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(with_values(README.read_text()))
