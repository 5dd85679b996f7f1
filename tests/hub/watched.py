"""A Prometheus that reads a hub and its front door every second, with the chart's own alerts."""

import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

from .front_door import rendered
from .labs import LabHub
from .processes import Program, answers

NAMESPACE = "science"
CHANGES = (
    'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"',
    *('hub.metrics.scrapers=[{"namespace": "monitoring"}]', 'nginx.metrics.scrapers=[{"namespace": "monitoring"}]'),
    *("global.monitoring.rules=true", "global.monitoring.dashboard=true"),
)


def rules() -> dict[str, list[dict[str, Any]]]:
    """The alerts of hub and front door, by the name of their object."""
    names = ("jld-hub", "jld-nginx")
    groups = {name: rendered(*CHANGES).one("PrometheusRule", name)["spec"]["groups"] for name in names}
    return {name: [rule for group in of_one for rule in group["rules"]] for name, of_one in groups.items()}


def panels() -> list[dict[str, Any]]:
    """The dashboard's, without the headings."""
    (text,) = rendered(*CHANGES).one("ConfigMap", "jld-dashboard")["data"].values()
    return [panel for panel in json.loads(text)["panels"] if panel["type"] != "row"]


class Prometheus:
    def __init__(self, directory: Path, hub: LabHub, token: str) -> None:
        directory.mkdir()
        (directory / "token").write_text(token)
        for name, of_one in rules().items():
            groups = {"groups": [{"name": name, "rules": of_one}]}
            (directory / f"{name}.rules.yaml").write_text(yaml.safe_dump(groups))
        (door,) = hub.deployment.doors
        jobs = [
            {
                "job_name": "hub",
                "metrics_path": "/hub/metrics",
                "authorization": {"type": "token", "credentials_file": str(directory / "token")},
                "static_configs": [_target(f"127.0.0.1:{hub.deployment.hub_port}", "jld-hub-0")],
            },
            {"job_name": "nginx", "static_configs": [_target(f"127.0.0.1:{door.metrics_port}", "jld-nginx-0")]},
        ]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["*.rules.yaml"],
            "scrape_configs": jobs,
        }
        (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        words = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        self.program = Program("prometheus", ["prometheus", *words], {}, directory)

    def start(self) -> None:
        self.program.start()
        self.program.wait_until(lambda: answers(f"{self.url}/-/ready"))

    def stop(self) -> None:
        self.program.stop()

    def ask(self, path: str, **words: str | float) -> Any:
        question = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(question, timeout=30) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]

    def series(self, query: str) -> list[dict[str, Any]]:
        """What a query finds at this moment."""
        found: list[dict[str, Any]] = self.ask("query", query=query)["result"]
        return found


def _target(address: str, pod: str) -> dict[str, Any]:
    """With the labels that the operator gives."""
    return {"targets": [address], "labels": {"namespace": NAMESPACE, "pod": pod}}
