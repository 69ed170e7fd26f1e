"""Write every dashboard where the chart takes it from."""

import json
from pathlib import Path

from charts.dashboards.jobs import JOBS
from charts.dashboards.kafka import KAFKA
from charts.dashboards.overview import OVERVIEW
from charts.dashboards.panels import Dashboard, document
from charts.dashboards.workers import WORKERS

FOLDER = Path(__file__).parents[1] / "pixo" / "dashboards"
ALL = (OVERVIEW, WORKERS, KAFKA, JOBS)


def text(dashboard: Dashboard) -> str:
    """Give the file of a dashboard."""
    return json.dumps(document(dashboard), indent=1) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in ALL:
        (FOLDER / f"{one.name}.json").write_text(text(one))
