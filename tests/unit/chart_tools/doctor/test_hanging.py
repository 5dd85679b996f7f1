"""Pods that wait for a file server that is gone are named, with what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jld.doctor import hanging
from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Release

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "storage.md").read_text()
HERE = Release("science", "jld")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def pod(
    name: str, late: timedelta | None, claim: str | None = "jld-home", namespace: str = "science"
) -> dict[str, Any]:
    """A pod that should have been gone for so long; None for one that runs."""
    metadata = {"name": name, "namespace": namespace}
    if late is not None:
        metadata["deletionTimestamp"] = f"{NOW - late:%Y-%m-%dT%H:%M:%SZ}"
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    if claim:
        volumes.append({"name": "home", "persistentVolumeClaim": {"claimName": claim}})
    return {"metadata": metadata, "spec": {"nodeName": "n1", "volumes": volumes}}


def found(**facts: Any) -> list[Finding]:
    return list(hanging.findings(ClusterFacts("v1.34.1", **facts), HERE, NOW))


def test_a_pod_that_should_be_gone_is_named_with_its_node_and_what_to_do() -> None:
    late = timedelta(minutes=10)
    pods = [pod("jld-lab-ada", late), pod("jld-lab-bob", late, "jld-home-0123456789", "science-ab12cd-bob")]
    (finding,) = found(pods=pods)

    assert finding.level is Level.failure
    assert "science/jld-lab-ada on node n1, science-ab12cd-bob/jld-lab-bob on node n1" in finding.observed
    assert finding.command == (
        "kubectl delete pod jld-lab-ada --namespace science --grace-period=0 --force && "
        "kubectl delete pod jld-lab-bob --namespace science-ab12cd-bob --grace-period=0 --force"
    )
    assert "umount -f -l" in finding.remedy


@pytest.mark.parametrize(
    "other",
    [pod("runs", None), pod("is-about-to-go", timedelta(seconds=30)), pod("mounts-nothing", timedelta(hours=1), None)],
    ids=lambda other: other["metadata"]["name"],
)
def test_a_pod_that_does_not_hang_on_a_mount_is_not_named(other: dict[str, Any]) -> None:
    assert found(pods=[other]) == []


def test_what_an_uninstall_could_not_stop_is_shown_until_somebody_deletes_it() -> None:
    (finding,) = found(drain_report={"data": {"report": "helm uninstall at 2026-06-01:\nscience/copy on node n1\n"}})

    assert (finding.level, finding.observed) == (
        Level.warning,
        "helm uninstall at 2026-06-01: science/copy on node n1",
    )
    assert finding.command == "kubectl delete configmap jld-drain-report --namespace science"


def test_what_cannot_be_asked_is_unknown() -> None:
    said = found(pods=NoResponse("forbidden"), drain_report=NoResponse("forbidden"))

    assert [(each.level, each.observed) for each in said] == [(Level.unknown, "forbidden")] * 2
    assert list(hanging.findings(ClusterFacts(NoResponse("no answer")), HERE, NOW)) == []


def test_the_section_that_the_messages_name_is_there() -> None:
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)

    assert {"Pods that hang on a dead mount", "Moving the files"} <= set(sections)
    assert "kubectl delete pod NAME --namespace NAMESPACE --grace-period=0 --force" in PAGE
    assert "umount -f -l" in PAGE
