"""The alerts of log shipping, as promtool reads them: for each a state in which it fires, and one in which it does not."""

import json
import re
from pathlib import Path

import pytest
from alerting import Series, alerts, fires, rule_file, says, series
from jldlogging.exporter.open_files import OpenFiles
from jldlogging.exporter.page import page
from rendering import CHECKOUT, Question, render

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("promtool")]

GIB = 2**30
RELAY = (
    "logging.enabled=true",
    'logging.pipeline="relay"',
    'logging.existingSecret="logs"',
    'logging.broker.host="rabbitmq.example.org"',
)
EXTERNAL = (
    "logging.enabled=true",
    'logging.existingSecret="logs"',
    'logging.pipeline="external"',
    'logging.external.hosts=["logstash.example.org:5044"]',
)
LOGSTASH = ("logging.enabled=true", 'logging.existingSecret="logs"', 'logging.broker.host="rabbitmq.example.org"')
ALERTS = ("global.monitoring.rules=true", 'logging.metrics.scrapers=[{"namespace": "monitoring"}]')
OF_RELAY = {"JldLogBrokerDown"}
OF_FILEBEAT = {"JldLogsWaiting", "JldFilebeatDown", "JldFilebeatMissing", "JldDeletedLogsHeld", "JldLogsUnwatched"}


@pytest.fixture
def rules(values: dict[str, Path], tmp_path: Path) -> Path:
    return rule_file(Question(values["minimal"], (*RELAY, *ALERTS)), "jld-logging", tmp_path)


def filebeat(
    acknowledged: str = "0+100x200",
    waiting: str = "0x200",
    up: str = "1x200",
    held: str = "0x200",
    *,
    namespace: str = "science",
    pod: str = "jld-filebeat-a",
) -> list[Series]:
    """What the exporter beside a filebeat tells."""
    told = {
        "up": up,
        "events_acknowledged_total": acknowledged,
        "events_waiting": waiting,
        "open_deleted_bytes": held,
    }
    return [
        series(f"jld_logging_filebeat_{name}", value, namespace=namespace, pod=pod)
        for name, value in told.items()
        if value
    ]


def relay(broker_up: str = "1x200", *, namespace: str = "science", pod: str = "jld-relay-a") -> Series:
    return series("jld_logging_relay_broker_up", broker_up, namespace=namespace, pod=pod)


def without_filebeat(nodes: str, *, daemonset: str = "jld-filebeat") -> Series:
    """What kube-state-metrics tells, whose own pod its target names."""
    name = "kube_daemonset_status_number_unavailable"
    return series(name, nodes, namespace="science", daemonset=daemonset, pod="kube-state-metrics-a")


GOOD = [*filebeat(), relay(), without_filebeat("0x200")]
# What Prometheus is told, after how many minutes it is asked, and what fires then: alert and pod.
STATES: dict[str, tuple[list[Series], int, set[tuple[str, str]]]] = {
    "all is well": (GOOD, 180, set()),
    "lines under way on a busy node": ([*filebeat(waiting="4096x200"), relay()], 180, set()),
    "a node where nothing is written": ([*filebeat("500x200"), relay()], 180, set()),
    "lines that nobody takes": (
        [*filebeat("0+100x60 6000x60", "0x60 4119x60"), relay()],
        *(85, {("JldLogsWaiting", "jld-filebeat-a")}),
    ),
    "lines that nobody took for ten minutes": ([*filebeat("0+100x60 6000x60", "0x60 4119x60"), relay()], 71, set()),
    "a line that nobody took for ten minutes on a quiet node": (
        [*filebeat("500x200", "0x60 1x60"), relay()],
        71,
        set(),
    ),
    "lines that somebody takes again": (
        [*filebeat("0+100x60 6000x30 6100+100x60", "0x60 4119x30 0x60"), relay()],
        *(100, set()),
    ),
    "one line that nobody takes": (
        [*filebeat("500x200", "1x200"), *filebeat(pod="jld-filebeat-b"), relay()],
        *(60, {("JldLogsWaiting", "jld-filebeat-a")}),
    ),
    "lines that wait since filebeat began": (
        [*filebeat("0x200", "4119x200"), relay()],
        *(30, {("JldLogsWaiting", "jld-filebeat-a")}),
    ),
    "a filebeat that starts again and again while nobody takes a line": (
        [*filebeat(" ".join(["6000", *["0"] * 100]), "4119x200"), relay()],
        *(60, {("JldLogsWaiting", "jld-filebeat-a")}),
    ),
    "a broker that is away from one relay": (
        [*filebeat(), relay(), relay("0x200", pod="jld-relay-b")],
        *(10, {("JldLogBrokerDown", "jld-relay-b")}),
    ),
    "a broker that starts anew": ([*filebeat(), relay("1x60 0x3 1x100")], 64, set()),
    "a filebeat that is away": (
        [*filebeat("", "", "0x200"), *filebeat(pod="jld-filebeat-b"), relay()],
        *(15, {("JldFilebeatDown", "jld-filebeat-a")}),
    ),
    "a filebeat that starts anew": ([*filebeat(up="1x60 0x5 1x100"), relay()], 66, set()),
    "nodes without a filebeat": (
        [*filebeat(), relay(), without_filebeat("2x200")],
        *(20, {("JldFilebeatMissing", "")}),
    ),
    "nodes that have no filebeat yet": ([*filebeat(), relay(), without_filebeat("1x10 0x100")], 9, set()),
    "nodes without a filebeat of somebody else's": (
        [*filebeat(), relay(), without_filebeat("2x200", daemonset="other-filebeat")],
        *(60, set()),
    ),
    "deleted files that take much of the disk": (
        [*filebeat(held=f"{2 * GIB}x200"), relay()],
        *(20, {("JldDeletedLogsHeld", "jld-filebeat-a")}),
    ),
    "deleted files of pods that have just ended": ([*filebeat(held=f"{GIB // 3}x200"), relay()], 60, set()),
    "deleted files that take much for a moment": ([*filebeat(held=f"{2 * GIB}x10 0x100"), relay()], 9, set()),
    "an exporter that does not see the files": ([*filebeat(held=""), relay()], 180, set()),
    "troubles of somebody else": (
        [
            *GOOD,
            *filebeat("5x200", "9x200", "0x200", f"{2 * GIB}x200", namespace="art"),
            relay("0x200", namespace="art"),
        ],
        *(60, set()),
    ),
    "a filebeat that nobody reads": ([relay()], 61, {("JldLogsUnwatched", "")}),
    "a relay that nobody reads": (filebeat(), 61, {("JldLogsUnwatched", "")}),
    "an installation of which nobody has read anything yet": ([series("up", "1x200")], 30, set()),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), STATES.values(), ids=STATES)
def test_what_is_wrong_fires_and_nothing_else(
    told: list[Series], minutes: int, expected: set[tuple[str, str]], rules: Path
) -> None:
    fires(told, minutes, expected, ("alertname", "pod"), rules)


def test_an_alert_says_whose_disk_and_how_much(rules: Path) -> None:
    expected = {
        "exp_labels": {"severity": "warning", "namespace": "science", "pod": "jld-filebeat-a"},
        "exp_annotations": {
            "summary": "The filebeat of jld-filebeat-a keeps 1.5GiB of deleted logs on its node's disk.",
            "description": "They are not shipped yet, and no listing of the disk shows them. Mend what the lines wait "
            "for. If the disk is more urgent than the lines, delete the pod, which loses them; "
            "`logging.filebeat.giveUpDeletedAfter` does so by itself.",
            "runbook": "docs/logging.md#alerts",
        },
    }
    says(filebeat(held=f"{3 * GIB // 2}x200"), 20, "JldDeletedLogsHeld", [expected], rules)


def test_the_rules_ask_for_what_the_exporter_tells(rules: Path) -> None:
    statistics = json.loads((CHECKOUT / "tests/unit/jldlogging/exporter/stats/going.json").read_text())
    told = re.findall(r"^jld_logging_filebeat_\w+", page(statistics, OpenFiles(0, 0, 0)), re.MULTILINE)

    assert set(re.findall(r"jld_logging_filebeat_\w+", rules.read_text())) <= set(told)


def shovel(running: str, *, namespace: str = "science") -> list[Series]:
    """What RabbitMQ beside logstash tells; of a state in which no shovel is it tells nothing."""
    here = {"namespace": namespace, "pod": "jld-logs-0"}
    return [
        series("rabbitmq_identity_info", "1x200", **here),
        series("rabbitmq_shovel_dynamic", running, status="running", **here),
    ]


@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (shovel("1x200"), 60, set()),
        (shovel("1x30 _x100"), 45, {("JldLogBrokerDown", "jld-logs-0")}),
        (shovel("1x30 0x100"), 45, {("JldLogBrokerDown", "jld-logs-0")}),
        (shovel("1x30 _x3 1x100"), 38, set()),
        ([*shovel("1x200"), *shovel("_x200", namespace="art")], 60, set()),
    ],
    ids=["runs", "is gone", "is none", "came back", "somebody else's"],
)
def test_a_shovel_that_does_not_run_is_told(
    values: dict[str, Path], told: list[Series], minutes: int, expected: set[tuple[str, str]], tmp_path: Path
) -> None:
    rules = rule_file(Question(values["minimal"], (*LOGSTASH, *ALERTS)), "jld-logging", tmp_path)
    fires([*filebeat(), without_filebeat("0x200"), *told], minutes, expected, ("alertname", "pod"), rules)


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [(RELAY, OF_FILEBEAT | OF_RELAY), (LOGSTASH, OF_FILEBEAT | OF_RELAY), (EXTERNAL, OF_FILEBEAT)],
    ids=["relay", "logstash", "external"],
)
def test_each_pipeline_has_the_alerts_of_what_it_has(
    values: dict[str, Path], pipeline: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    rules = rule_file(Question(values["minimal"], (*pipeline, *ALERTS)), "jld-logging", tmp_path)

    assert sorted(alerts(rules)) == sorted(expected)
    assert ("jld_logging_relay" in rules.read_text()) is (pipeline == RELAY)


@pytest.mark.parametrize(
    "changes",
    [RELAY, ALERTS, (*RELAY, "global.monitoring.rules=true")],
    ids=["no alerts", "no log shipping", "nobody who may read its metrics"],
)
def test_there_is_no_rule_where_nobody_asks_for_it(values: dict[str, Path], changes: tuple[str, ...]) -> None:
    rules = render(Question(values["minimal"], changes)).of_kind("PrometheusRule")

    assert "jld-logging" not in [each["metadata"]["name"] for each in rules]


def test_the_operator_of_prometheus_finds_the_rule_by_its_labels(values: dict[str, Path]) -> None:
    labels = ('global.monitoring.labels={"release": "kube-prometheus-stack"}',)
    found = render(Question(values["minimal"], (*RELAY, *ALERTS, *labels))).one("PrometheusRule", "jld-logging")

    assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "logging"
