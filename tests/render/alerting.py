"""Asks promtool what a rendered PrometheusRule says of a state of the platform."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from rendering import Question, render

Series = dict[str, str]


def rule_file(question: Question, name: str, folder: Path) -> Path:
    """A rule file of Prometheus, as the documentation makes one of the rendered object."""
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(render(question).one("PrometheusRule", name)["spec"]))
    return file


def alerts(rules: Path) -> list[str]:
    """The names of the alerts of a rule file that promtool finds no fault with."""
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return [rule["alert"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]


def series(name: str, value: str, **labels: str) -> Series:
    told = ", ".join(f'{key}="{each}"' for key, each in labels.items())
    return {"series": f"{name}{{{told}}}", "values": value}


def fires(
    told: list[Series], minutes: int, expected: Iterable[tuple[str, ...]], labels: tuple[str, ...], rules: Path
) -> None:
    """Whether these alerts fire and no other, each as its values of the labels; an empty one is a label that it has not."""
    samples = [
        series("", "", **{key: each for key, each in zip(labels, alert, strict=True) if each})["series"]
        for alert in sorted(expected)
    ]
    asked = {
        "expr": f'count by ({", ".join(labels)}) (ALERTS{{alertstate="firing"}})',
        "eval_time": f"{minutes}m",
        "exp_samples": [{"labels": each, "value": 1} for each in samples],
    }
    passes({"interval": "1m", "input_series": told, "promql_expr_test": [asked]}, rules)


def says(told: list[Series], minutes: int, alert: str, expected: list[dict[str, Any]], rules: Path) -> None:
    """Whether an alert fires with these labels and texts."""
    asked = {"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": expected}
    passes({"interval": "1m", "input_series": told, "alert_rule_test": [asked]}, rules)


def passes(test: Any, rules: Path) -> None:
    file = rules.with_name("test.yaml")
    file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
