"""Draws dashboards as SVG from what a Prometheus has: ``python -m charts.dashboards.pictures URL START END FOLDER``.

For docs and for places without Grafana; times are unix seconds.
"""

import json
import sys
import urllib.parse
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

from charts.dashboards.__main__ import ALL
from charts.dashboards.panels import WIDTH, Dashboard, Panel

COLUMN, ROW, GAP, HEADING = 46, 26, 8, 26
COLORS = ("#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b7821f", "#0a7ea4", "#7c5c3b")
STEP = 2.0
MOST = 6
"""Lines of a panel that are named."""
Series = tuple[str, list[tuple[float, float]]]


def ask(url: str, expression: str, legend: str, start: float, end: float) -> list[Series]:
    """Give the series of an expression, with their names."""
    query = expression.replace("NS", 'namespace=~".*"').replace("$__rate_interval", "20s")
    words = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": STEP})
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{words}") as answer:
        found = json.load(answer)["data"]["result"]
    told = []
    for one in found:
        name = legend
        for label, value in one["metric"].items():
            name = name.replace(f"{{{{{label}}}}}", value)
        points = [(when, float(value)) for when, value in one["values"] if value not in ("NaN", "+Inf")]
        if points:
            told.append((name, points))
    return told


def number(value: float, unit: str) -> str:
    """Give a number as a reader wants it."""
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if 0 < value < 1 else f"{value:.3g} s"
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g}"


def drawn(panel: Panel, found: list[Series], x: int, y: int, start: float, end: float) -> str:
    """Give the SVG of a panel."""
    width, height = panel.width * COLUMN - GAP, panel.height * ROW - GAP
    parts = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff" stroke="#d5d9de" rx="4"/>',
        f'<text x="{x + 8}" y="{y + 17}" font-weight="600">{escape(panel.title)}</text>',
    ]
    if panel.kind == "stat":
        last = number(found[0][1][-1][1], panel.unit) if found else "no data"
        parts.append(
            f'<text x="{x + width / 2}" y="{y + height - 22}" font-size="28" text-anchor="middle">{last}</text>'
        )
        return "".join(parts)
    if not found:
        parts.append(f'<text x="{x + 8}" y="{y + 60}" fill="#888">{escape(panel.about) or "no data"}</text>')
        return "".join(parts)
    left, top, wide, high = x + 52, y + 28, width - 62, height - 66
    if panel.stacked:
        found = stacked(found)
    most = max(value for _, points in found for _, value in points) or 1.0
    for share in (0, 0.5, 1):
        level = top + high * (1 - share)
        parts.append(f'<path d="M{left} {level:.1f}h{wide}" stroke="#e8eaed"/>')
        label = number(most * share, panel.unit)
        parts.append(f'<text x="{left - 6}" y="{level + 4:.1f}" fill="#666" text-anchor="end">{label}</text>')
    for index, (name, points) in enumerate(found):
        color = COLORS[index % len(COLORS)]
        path = "".join(
            f"{'M' if n == 0 or when - points[n - 1][0] > 3 * STEP else 'L'}"
            f"{left + (when - start) / (end - start) * wide:.1f} {top + high * (1 - value / most):.1f}"
            for n, (when, value) in enumerate(points)
        )
        parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.4"/>')
        if index < MOST:
            at, line = x + 8 + index % 3 * (width - 16) / 3, y + height - 22 + index // 3 * 14
            parts.append(f'<text x="{at:.0f}" y="{line}" fill="{color}" font-size="10">{escape(name[:28])}</text>')
    return "".join(parts)


def stacked(found: list[Series]) -> list[Series]:
    """Give the series one upon the other."""
    floor: dict[float, float] = {}
    result = []
    for name, points in found:
        raised = [(when, value + floor.get(when, 0.0)) for when, value in points]
        floor |= dict(raised)
        result.append((name, raised))
    return result


def picture(dashboard: Dashboard, url: str, start: float, end: float) -> str:
    """Give the SVG of a dashboard."""
    parts: list[str] = []
    y = GAP
    for heading, panels in dashboard.rows.items():
        parts.append(
            f'<text x="{GAP}" y="{y + 17}" font-size="14" font-weight="600" fill="#444">{escape(heading)}</text>'
        )
        y, column, tallest = y + HEADING, 0, 0
        for panel in panels:
            if column + panel.width > WIDTH:
                y, column, tallest = y + tallest * ROW, 0, 0
            found = [series for line in panel.lines for series in ask(url, *line, start, end)]
            parts.append(drawn(panel, found, GAP + column * COLUMN, y, start, end))
            column, tallest = column + panel.width, max(tallest, panel.height)
        y += tallest * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * COLUMN + GAP} {y}" font-family="sans-serif"'
        f' font-size="11"><rect width="100%" height="100%" fill="#f4f5f7"/>{"".join(parts)}</svg>\n'
    )


def main(words: list[Any]) -> None:
    """Draw all of them."""
    url, start, end, folder = words
    for dashboard in ALL:
        Path(folder, f"{dashboard.name}.svg").write_text(picture(dashboard, url, float(start), float(end)))


if __name__ == "__main__":
    main(sys.argv[1:])
