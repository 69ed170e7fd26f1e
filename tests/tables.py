"""The tables of the docs that are made from the code; ``python -m tests.tables`` writes them anew."""

from pathlib import Path
from typing import Any

from pixo import settings
from pixo.imaging.filters import catalogue

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FILTERS = ROOT / "docs" / "filters.md"
BEGIN = "<!-- settings: python -m tests.tables writes this -->\n"
BEGIN_FILTERS = "<!-- filters: python -m tests.tables writes this -->\n"
END = "<!-- end -->"


def settings_table() -> str:
    """Give the README's table of settings."""
    lines = ["", "| variable | default | meaning |", "|---|---|---|"]
    for _, name, field in settings.fields():
        default = f"`{field.default}`" if field.default != "" else ""
        lines.append(f"| `{settings.variable(name)}` | {default} | {settings.describe(field)} |")
    lines.append("| `WORKER_ID` | host name and a random part | what a worker is called |")
    return "\n".join(lines) + "\n\n"


def filters_table() -> str:
    """Give the table of filters of ``docs/filters.md``."""
    lines = ["", "| filter | what it does | parameters |", "|---|---|---|"]
    for each in catalogue():
        parameters = "<br>".join(map(_parameter, each["parameters"])) or "none"
        lines.append(f"| `{each['name']}` | {each['help']} | {parameters} |")
    return "\n".join(lines) + "\n\n"


def _parameter(one: dict[str, Any]) -> str:
    allowed = "true, false" if one["type"] == "boolean" else ", ".join(one["choices"] or ())
    allowed = allowed or f"{one['minimum']:g} to {one['maximum']:g}"
    return f"`{one['name']}` {allowed}, else {one['default']}: {one['help']}"


def with_settings(text: str) -> str:
    """Give the README with the table between its two marks."""
    return _between(BEGIN, settings_table(), text)


def with_filters(text: str) -> str:
    """Give the page of filters with the table between its two marks."""
    return _between(BEGIN_FILTERS, filters_table(), text)


def _between(begin: str, table: str, text: str) -> str:
    before, rest = text.split(begin)
    _, after = rest.split(END)
    return before + begin + table + END + after


if __name__ == "__main__":
    README.write_text(with_settings(README.read_text()))
    FILTERS.write_text(with_filters(FILTERS.read_text()))
