"""The parts of a dashboard, and the JSON that Grafana takes for them.

In expressions ``NS`` stands for the choice of namespaces; a series that only a cluster has begins with ``kube_`` or
``container_``, and its panel says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

NAMESPACE = 'namespace=~"$namespace"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
BUILD = f"pixo_build_info{{{NAMESPACE}}}"
WIDTH = 24

Kind = Literal["timeseries", "stat", "heatmap"]


@dataclass(frozen=True)
class Panel:
    """One picture: what it is called, its lines as (expression, legend), and the unit in Grafana's words."""

    title: str
    lines: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    about: str = ""
    stacked: bool = False
    worse: Sequence[float] = ()
    """From which value on a stat is orange, and then red."""

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return 4 if self.kind == "stat" else 8


@dataclass(frozen=True)
class Dashboard:
    """One page: the file's name, a title, and rows of panels by their headings."""

    name: str
    title: str
    about: str
    rows: dict[str, Sequence[Panel]] = field(default_factory=dict)

    def panels(self) -> Iterator[Panel]:
        """Give all panels, in order."""
        for row in self.rows.values():
            yield from row


def quantiles(metric: str, by: str = "", where: str = "NS") -> list[tuple[str, str]]:
    """Give the lines for the median and the 95th and 99th percentile of a histogram."""
    rate = f"sum by (le{', ' + by if by else ''}) (rate({metric}_bucket{{{where}}}[$__rate_interval]))"
    legend = f"{{{{{by}}}}} " if by else ""
    shares = (0.95,) if by else (0.5, 0.95, 0.99)
    return [(f"histogram_quantile({share}, {rate})", f"{legend}p{share * 100:g}") for share in shares]


def rate(metric: str, by: str = "", where: str = "NS") -> str:
    """Give the rate of a counter, summed by labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{where}}}[$__rate_interval]))"


def share(metric: str, where: str) -> str:
    """Give the share of a counter's rate that some label values have."""
    return f"{rate(metric, where=f'NS, {where}')} / {rate(metric)}"


def document(dashboard: Dashboard) -> dict[str, Any]:
    """Give Grafana's JSON."""
    return {
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["pixo"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "links": [
            {
                "type": "dashboards",
                "title": "Pixo",
                "tags": ["pixo"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_datasource(), _namespace()]},
        "annotations": {"list": [_deploys()]},
        "panels": list(_laid_out(dashboard)),
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}}


def _namespace() -> dict[str, Any]:
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": "label_values(pixo_build_info, namespace)", "refId": "namespace"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        # Also what has no namespace: a laptop's.
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _deploys() -> dict[str, Any]:
    return {
        "name": "New versions",
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "datasource": SOURCE,
        "expr": "count by (version, role) (BUILD unless BUILD offset 2m)".replace("BUILD", BUILD),
        "titleFormat": "{{role}} {{version}}",
    }


def _laid_out(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for heading, panels in dashboard.rows.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": heading,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
        }
        top, left, height = top + 1, 0, 0
        for panel in panels:
            if left + panel.width > WIDTH:
                top, left, height = top + height, 0, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": number, "gridPos": place, **_drawn(panel)}
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _drawn(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": expression.replace("NS", NAMESPACE),
                "legendFormat": legend,
                "format": "heatmap" if panel.kind == "heatmap" else "time_series",
                "instant": panel.kind == "stat",
                "range": panel.kind != "stat",
            }
            for number, (expression, legend) in enumerate(panel.lines)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}]
    steps += [{"color": color, "value": value} for color, value in zip(("orange", "red"), panel.worse, strict=False)]
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "auto",
        }
    if panel.kind == "heatmap":
        return {"calculate": False, "yAxis": {"unit": panel.unit}, "color": {"mode": "scheme", "scheme": "Oranges"}}
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
