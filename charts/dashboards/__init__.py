"""Grafana's dashboards as readable parts: a module a dashboard; ``python -m charts.dashboards`` writes the JSON."""
