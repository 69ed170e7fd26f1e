"""Dashboards, alerts and metrics name the same things: what is shown is measured, and what is measured is shown."""

import json
import re

import pytest

from charts.dashboards.__main__ import ALL, FOLDER, text
from pixo import metrics
from tests.tables import ROOT

RULES = (ROOT / "charts/pixo/templates/monitoring/prometheusrule.yaml").read_text()
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDED = {"namespace", "pod", "instance", "le"}
"""Labels that the scrape or a histogram adds."""


def exported() -> dict[str, set[str]]:
    """Give every name that Prometheus has of Pixo, with its labels."""
    found = {"pixo_build_info": {"version", "role"}}
    for role in metrics.ROLES:
        for metric in metrics.OF_ROLE[role]:
            (family,) = metric.describe()
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
            found |= {family.name + ending: set(metrics.labels(metric)) for ending in endings}
    return found


def base(name: str) -> str:
    """Give a metric's name without what Prometheus hangs on it."""
    return re.sub(r"_(total|bucket|sum|count)$", "", name)


def expressions() -> list[str]:
    """Give the expressions of all panels and alerts."""
    panels = [expression for one in ALL for panel in one.panels() for expression, _ in panel.lines]
    return [*panels, *re.findall(r"`\n(.*?)`", RULES, re.DOTALL)]


def named(expression: str) -> set[str]:
    """Give the metrics of Pixo that an expression names."""
    return set(re.findall(r"\bpixo_\w+", expression))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_files_are_made_from_the_parts(one) -> None:
    """What the chart ships is what ``python -m charts.dashboards`` writes, and small enough for a ConfigMap."""
    shipped = (FOLDER / f"{one.name}.json").read_text()

    assert shipped == text(one), "run make dashboards"
    assert len(shipped) < 256 * 1024


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_dashboards_are_whole(one) -> None:
    """Panels have numbers of their own, lie side by side without overlap, and ask the data source that is chosen."""
    document = json.loads(text(one))
    covered: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells
        assert max(x for x, _ in cells) < 24
        covered |= cells
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
            assert "$namespace" in target["expr"] or "pixo_" not in target["expr"]

    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert [variable["name"] for variable in document["templating"]["list"]] == ["datasource", "namespace"]
    assert "uid" not in document


def test_dashboards_and_alerts_name_what_is_exported() -> None:
    """Every metric in an expression is one that a role exports."""
    assert {name for expression in expressions() for name in named(expression)} <= exported().keys()


def test_what_is_exported_is_shown() -> None:
    """Every metric is on a dashboard or in an alert: a figure that nobody looks at is cost without use."""
    shown = {base(name) for expression in expressions() for name in named(expression)}

    assert {base(name) for name in exported()} == shown


def test_labels_are_those_of_the_metrics() -> None:
    """A selector asks only for labels that its metric has, and a sum is by labels of its metrics."""
    labels = exported()
    for expression in expressions():
        if "kube_" in expression or "container_" in expression:
            continue
        for name, selector in re.findall(r"\b(pixo_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) <= labels[name] | ADDED, expression
        allowed = ADDED.union(*(labels[name] for name in named(expression)))
        for words in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            assert {word.strip() for word in words.split(",")} <= allowed, expression


def test_docs_name_what_is_exported() -> None:
    """A metric that the docs name is one that a role exports."""
    bases = {base(name) for name in exported()}
    for page in DOCS:
        for name in set(re.findall(r"`(pixo_\w+)", page.read_text())):
            assert name in exported().keys() | bases, (page.name, name)


def test_every_alert_has_a_runbook() -> None:
    """Each alert is a heading of docs/runbooks.md, and each heading an alert; the four questions are answered."""
    alerts = set(re.findall(r"\"(Pixo\w+)\"", RULES)) - {"PixoWebErrorBudgetBurn"}
    alerts |= {f"PixoWebErrorBudgetBurn{pace}" for pace in ("Fast", "Slow")}
    pages = re.split(r"^## ", (ROOT / "docs/runbooks.md").read_text(), flags=re.MULTILINE)[1:]

    assert {page.split("\n", 1)[0] for page in pages} == alerts - {"PixoWebErrorBudgetBurn%s"}
    for page in pages:
        assert "**Means**" in page, page
        assert "**Users" in page or "as above" in page or "as for" in page or "Other alerts are blind" in page, page
        assert "**Act**" in page or "**act**" in page, page
