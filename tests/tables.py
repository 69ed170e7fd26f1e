"""The tables of the docs that are made from the code; ``python -m tests.tables`` writes them anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixo import metrics, settings
from pixo.imaging.filters import catalogue

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FILTERS = ROOT / "docs" / "filters.md"
METRICS = ROOT / "docs" / "metrics.md"
BEGIN = "<!-- settings: python -m tests.tables writes this -->\n"
BEGIN_FILTERS = "<!-- filters: python -m tests.tables writes this -->\n"
BEGIN_METRICS = "<!-- metrics: python -m tests.tables writes this -->\n"
END = "<!-- end -->"
LONG = 60
"""Characters of a label's values from which on they are not listed."""


def settings_table() -> str:
    """Give the README's table of settings."""
    lines = ["", "| variable | default | meaning |", "|---|---|---|"]
    for _, name, field in settings.fields():
        default = f"`{field.default}`" if field.default != "" else ""
        lines.append(f"| `{settings.variable(name)}` | {default} | {settings.describe(field)} |")
    lines.append("| `WORKER_ID` | host name and a random part | name of this worker |")
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
    return f"`{one['name']}` {allowed}, default {one['default']}: {one['help']}"


def metrics_table() -> str:
    """Give the table of metrics of ``docs/metrics.md``."""
    lines = ["", "| metric | kind | labels | role | meaning |", "|---|---|---|---|---|"]
    roles: dict[metrics.Metric, list[str]] = {}
    for role, measured in metrics.OF_ROLE.items():
        for metric in measured:
            roles.setdefault(metric, []).append(role)
    for metric, those in roles.items():
        (family,) = metric.describe()
        name = family.name + "_total" if family.type == "counter" else family.name
        labels = ", ".join(map(_label, metrics.labels(metric).items())) or "none"
        of = "all" if len(those) == len(metrics.ROLES) else ", ".join(those)
        lines.append(f"| `{name}` | {family.type} | {labels} | {of} | {family.documentation} |")
    return "\n".join(lines) + "\n\n"


def _label(item: tuple[str, metrics.Values]) -> str:
    name, values = item
    shown = "" if callable(values) else " ".join(values)
    return f"`{name}` ({shown})" if shown and len(shown) < LONG else f"`{name}`"


def with_settings(text: str) -> str:
    """Give the README with the table between its two marks."""
    return _between(BEGIN, settings_table(), text)


def with_filters(text: str) -> str:
    """Give the page of filters with the table between its two marks."""
    return _between(BEGIN_FILTERS, filters_table(), text)


def with_metrics(text: str) -> str:
    """Give the page of metrics with the table between its two marks."""
    return _between(BEGIN_METRICS, metrics_table(), text)


PAGES: dict[Path, Callable[[str], str]] = {README: with_settings, FILTERS: with_filters, METRICS: with_metrics}
"""Every page with a table, and what renews it."""


def _between(begin: str, table: str, text: str) -> str:
    before, rest = text.split(begin)
    _, after = rest.split(END)
    return before + begin + table + END + after


if __name__ == "__main__":
    for page, renew in PAGES.items():
        page.write_text(renew(page.read_text()))
