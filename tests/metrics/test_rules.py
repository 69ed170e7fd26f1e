"""The alerts as Prometheus' own tool sees them: what it takes as rules, and what fires on written series."""

from pathlib import Path

import yaml

from tests.chart.rendering import one, render
from tests.metrics.prometheus import NAMESPACE, promtool

CASES = Path(__file__).with_name("rules_test.yaml")


def test_rules_hold_what_they_promise(tmp_path: Path) -> None:
    """The rendered rules, with the chart's own thresholds, do in each case of rules_test.yaml what it says."""
    rule = one(render("monitoring", namespace=NAMESPACE), "PrometheusRule", "pixo")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    (tmp_path / "cases.yaml").write_text(CASES.read_text())

    assert "SUCCESS" in promtool("check", "rules", str(tmp_path / "rules.yaml"))
    promtool("test", "rules", str(tmp_path / "cases.yaml"))


def test_every_alert_has_a_case() -> None:
    """No alert is without a case in which it fires."""
    rule = one(render("monitoring", namespace=NAMESPACE), "PrometheusRule", "pixo")
    alerts = {alert["alert"] for group in rule["spec"]["groups"] for alert in group["rules"]}
    fired = {
        case["alertname"]
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }

    assert fired == alerts
