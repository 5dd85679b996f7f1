"""The alerts, as promtool reads them: for each a state of the platform in which it fires, and one in which it does not."""

from pathlib import Path

import pytest
from alerting import Series, alerts, fires, rule_file, says, series
from rendering import Question, render

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("promtool")]

SPACE = ("kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes")
INODES = ("kubelet_volume_stats_inodes_free", "kubelet_volume_stats_inodes")


@pytest.fixture
def rules(values: dict[str, Path], tmp_path: Path) -> Path:
    return rule_file(Question(values["nfs"], ("global.monitoring.rules=true",)), "jld-storage", tmp_path)


def claim(name: str, space: int, inodes: int = 50, *, namespace: str = "science", node: str = "a") -> list[Series]:
    """What a node tells of a claim that it mounts: how many of a hundred bytes and inodes are left."""
    labels = {"namespace": namespace, "persistentvolumeclaim": name, "node": node}
    told = [*zip(SPACE, (space, 100), strict=True), *zip(INODES, (inodes, 100), strict=True)]
    return [series(each, f"{number}x200", **labels) for each, number in told]


def deployment(name: str, available: str = "1x200") -> Series:
    return series("kube_deployment_status_replicas_available", available, namespace="science", deployment=f"jld-{name}")


SERVER, KEEPALIVE = deployment("file-server"), deployment("keepalive")
DISK, HOME = claim("jld-file-server", 50), claim("jld-home", 50)
GOOD = [SERVER, KEEPALIVE, *DISK, *HOME]
UNWATCHED = ("JldVolumesUnwatched", "", "")
SERVER_DOWN = ("JldFileServerDown", "", "jld-file-server")
FAILING = ("JldKeepaliveFailing", "", "jld-keepalive")


def of_claim(name: str, *alerts: str) -> set[tuple[str, str, str]]:
    return {(f"JldVolume{alert}", name, "") for alert in alerts}


# What Prometheus is told, after how many minutes it is asked, and what fires then: alert, claim, Deployment.
STATES: dict[str, tuple[list[Series], int, set[tuple[str, str, str]]]] = {
    "all is well": (GOOD, 180, set()),
    "little space": ([*GOOD, *claim("jld-scratch", 9)], 20, of_claim("jld-scratch", "AlmostFull")),
    "little space for a moment": ([*GOOD, *claim("jld-scratch", 9)], 10, set()),
    "no space": ([*GOOD, *claim("jld-scratch", 1)], 20, of_claim("jld-scratch", "AlmostFull", "Full")),
    "no space since two minutes": ([*GOOD, *claim("jld-scratch", 0)], 2, of_claim("jld-scratch", "Full")),
    "a full disk of the hub's database": ([*GOOD, *claim("jld-hub-db", 0)], 2, of_claim("jld-hub-db", "Full")),
    "a full claim that two nodes mount": (
        [*GOOD, *claim("jld-scratch", 1, node="b"), *claim("jld-scratch", 1, node="c")],
        *(2, of_claim("jld-scratch", "Full")),
    ),
    "a full disk of somebody else's": (
        [*GOOD, *claim("jld-home", 0, 0, namespace="art"), *claim("jld-home-2", 0, 0), *claim("other", 0, 0)],
        *(20, set()),
    ),
    "few inodes": ([*GOOD, *claim("jld-scratch", 50, 4)], 20, of_claim("jld-scratch", "FewInodes")),
    "a file system that does not count inodes": (
        [
            *GOOD,
            *(each | {"values": "0x200"} if "inodes" in each["series"] else each for each in claim("jld-scratch", 50)),
        ],
        *(20, set()),
    ),
    "a server that is down": ([deployment("file-server", "0x200"), KEEPALIVE, *DISK], 3, {SERVER_DOWN}),
    "a server that restarts": ([deployment("file-server", "1x60 0 1x100"), KEEPALIVE, *DISK], 61, set()),
    "a server that is gone": ([KEEPALIVE, *DISK], 3, {SERVER_DOWN}),
    "a server that went": ([deployment("file-server", "1x60 0x60"), KEEPALIVE, *DISK], 64, {SERVER_DOWN}),
    "a server of somebody else's": (
        [
            *GOOD,
            series("kube_deployment_status_replicas_available", "0x200", namespace="art", deployment="jld-file-server"),
        ],
        *(20, set()),
    ),
    "a keepalive that fails": ([SERVER, deployment("keepalive", "0x200"), *DISK], 3, {FAILING}),
    "a server that hangs": ([SERVER, deployment("keepalive", "1x60 0x60"), *DISK], 64, {FAILING}),
    "nobody who tells how full it is": ([SERVER, KEEPALIVE], 61, {UNWATCHED}),
    "only the mounts tell how full it is": ([SERVER, KEEPALIVE, *HOME], 180, set()),
    "no exporter at all": ([series("up", "1x200")], 61, {UNWATCHED, SERVER_DOWN}),
}


@pytest.mark.parametrize(("told", "minutes", "expected"), STATES.values(), ids=STATES)
def test_what_is_wrong_fires_and_nothing_else(
    told: list[Series], minutes: int, expected: set[tuple[str, str, str]], rules: Path
) -> None:
    fires(told, minutes, expected, ("alertname", "persistentvolumeclaim", "deployment"), rules)


def test_an_alert_says_which_claim_and_how_much(rules: Path) -> None:
    expected = {
        "exp_labels": {"severity": "critical", "namespace": "science", "persistentvolumeclaim": "jld-home"},
        "exp_annotations": {
            "summary": "Claim jld-home has 1% of its space left.",
            "description": "When nothing is left, nobody can save. Remove files, or make the claim larger; "
            "all volumes of the file server share its disk.",
            "runbook": "docs/storage.md#alerts",
        },
    }
    says(claim("jld-home", 1), 5, "JldVolumeFull", [expected], rules)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("nfs", {"AlmostFull", "Full", "FewInodes", "sUnwatched"}),
        ("claim", {"AlmostFull", "Full", "FewInodes"}),
        ("external", {"AlmostFull", "Full", "FewInodes"}),
    ],
)
def test_each_mode_has_the_alerts_of_what_it_has(
    values: dict[str, Path], mode: str, expected: set[str], tmp_path: Path
) -> None:
    changes = (f'storage.mode="{mode}"', 'storage.external.server="nfs.example.org"', "global.monitoring.rules=true")
    names = alerts(rule_file(Question(values["minimal"], changes), "jld-storage", tmp_path))

    assert len(names) == len(set(names))
    assert {name.removeprefix("JldVolume") for name in names} - {"JldFileServerDown"} == expected
    assert ("JldFileServerDown" in names) is (mode == "nfs")


def test_there_is_no_rule_where_nobody_asks_for_it(values: dict[str, Path]) -> None:
    assert render(Question(values["nfs"])).of_kind("PrometheusRule") == []


def test_the_operator_of_prometheus_finds_the_rule_by_its_labels(values: dict[str, Path]) -> None:
    labels = render(Question(values["everything"])).one("PrometheusRule", "jld-storage")["metadata"]["labels"]

    assert labels["release"] == "kube-prometheus-stack"
    assert labels["app.kubernetes.io/component"] == "storage"
