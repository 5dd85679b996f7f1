"""What alerts and dashboard ask of the parts that run beside the hub, against what these tell. tests/hub/test_monitoring.py asks hub and nginx."""

import json
import re
from functools import cache
from pathlib import Path

from jldhub.images.controller.status import Status
from jldlogging.exporter.open_files import OpenFiles
from jldlogging.exporter.page import page
from jldlogging.relay.metrics import Metrics
from prometheus_client import CollectorRegistry, generate_latest
from rendering import CHECKOUT, Question, render

# Told by what the cluster brings, by their documentation: kube-state-metrics, the kubelets, and RabbitMQ with its plug-ins.
OF_THE_CLUSTER = {
    *("kube_cronjob_next_schedule_time", "kube_cronjob_status_last_successful_time"),
    *("kube_daemonset_status_number_unavailable", "kube_deployment_status_replicas_available"),
    *("kube_job_failed", "kube_job_status_start_time"),
    *(f"kubelet_volume_stats_{name}" for name in ("available_bytes", "capacity_bytes", "inodes", "inodes_free")),
    *("rabbitmq_identity_info", "rabbitmq_shovel_dynamic"),
}
OF_HUB_AND_NGINX = re.compile(r"jupyterhub_|jld_(front_door|starts|failed_starts|logins)")
SCRAPERS = '[{"namespace": "monitoring"}]'
ALL = (
    'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"',
    "global.monitoring.rules=true",
    *(f"{part}.metrics.scrapers={SCRAPERS}" for part in ("hub", "logging", "nginx", "prepuller")),
    *("logging.enabled=true", 'logging.existingSecret="logs"', 'logging.broker.host="rabbitmq.example.org"'),
    *('storage.backup.claim="archives"', "storage.keepalive.enabled=true"),
)


@cache
def told() -> set[str]:
    """The names that the programs' own registries have."""
    statistics = json.loads((CHECKOUT / "tests/unit/jldlogging/exporter/stats/going.json").read_text())
    return (
        names_of(Status().registry)
        | names_of(Metrics().registry)
        | set(re.findall(r"(?m)^# TYPE (\S+)", page(statistics, OpenFiles(0, 0, 0))))
    )


def names_of(registry: CollectorRegistry) -> set[str]:
    return set(re.findall(r"(?m)^# TYPE (\S+)", generate_latest(registry).decode()))


def asked(text: str) -> set[str]:
    return set(re.findall(r"\b(?:jld|jupyterhub|kube|kubelet|rabbitmq)_\w+", text))


def test_what_rules_ask_for_is_told(values: dict[str, Path]) -> None:
    names: set[str] = set()
    for pipeline in ("relay", "logstash"):
        rendered = render(Question(values["nfs"], (*ALL, f'logging.pipeline="{pipeline}"')))
        for each in rendered.of_kind("PrometheusRule"):
            names |= {
                name for group in each["spec"]["groups"] for rule in group["rules"] for name in asked(rule["expr"])
            }

    others = {name for name in names if not OF_HUB_AND_NGINX.match(name)}
    assert names - others
    assert others - told() == OF_THE_CLUSTER


def test_what_the_dashboard_asks_for_is_told() -> None:
    panels = json.loads((CHECKOUT / "chart/files/dashboard.json").read_text())["panels"]
    names = {name for panel in panels for target in panel.get("targets", []) for name in asked(target["expr"])}

    assert {name for name in names if not OF_HUB_AND_NGINX.match(name)} - told() - OF_THE_CLUSTER == set()
    assert names & told()


def test_a_name_that_nobody_tells_would_be_found() -> None:
    assert asked("rate(jld_pulls_totals[5m]) / kube_nothing") - told() == {"jld_pulls_totals", "kube_nothing"}
