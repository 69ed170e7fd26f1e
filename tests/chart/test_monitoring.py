"""What the chart gives to Prometheus and Grafana."""

import json

from tests.chart.rendering import Object, one, render


def configmaps() -> list[Object]:
    """Give the objects with dashboards."""
    return [each for each in render("monitoring") if "grafana_dashboard" in each["metadata"].get("labels", {})]


def test_dashboards_are_found_by_their_label() -> None:
    """Grafana's sidecar sees four dashboards, each whole and within a ConfigMap's bounds, in the wanted folder."""
    found = configmaps()

    assert sorted(each["metadata"]["name"].rpartition("-")[2] for each in found) == [
        "jobs",
        "kafka",
        "overview",
        "workers",
    ]
    for each in found:
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert each["metadata"]["annotations"]["grafana_folder"] == "Pixo"
        ((name, text),) = each["data"].items()
        assert name.endswith(".json")
        assert json.loads(text)["title"].startswith("Pixo / ")
        assert len(json.dumps(each)) < 256 * 1024


def test_alerts_stay_in_their_namespace() -> None:
    """Rules ask for the release's own series only, point to their runbook, and take thresholds from the values."""
    objects = render("monitoring", "metrics.prometheusRule.thresholds.queue.seconds=77", namespace="here")
    rule = one(objects, "PrometheusRule", "pixo")
    alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]

    for alert in alerts:
        asked = alert["expr"].count("pixo_") + alert["expr"].count("kube_")
        assert asked == alert["expr"].count('namespace="here"')
        assert alert["annotations"]["runbook_url"].endswith(f"runbooks.md#{alert['alert'].lower()}")
        assert alert["labels"]["team"] == "images"
    assert any(alert["expr"].rstrip().endswith("> 77") for alert in alerts)


def test_further_rules_are_kept() -> None:
    """A user's own rules come along."""
    extra = 'metrics.prometheusRule.extraRules=[{"alert": "Mine", "expr": "vector(1)"}]'
    rule = one(render("monitoring", extra), "PrometheusRule", "pixo")

    assert rule["spec"]["groups"][-1]["rules"] == [{"alert": "Mine", "expr": "vector(1)"}]


def test_nothing_of_it_without_asking() -> None:
    """A cluster without Prometheus' operator takes the chart as it is."""
    kinds = {each["kind"] for each in render(None)}

    assert not kinds & {"PrometheusRule", "PodMonitor", "ServiceMonitor"}
