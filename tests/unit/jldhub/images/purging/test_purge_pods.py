"""The pod that removes: what it is, where its node has the runtime, and what it says at its end."""

import json
from dataclasses import replace
from typing import Any

import pytest
from jldhub.images.prepuller.node import Node
from jldhub.images.purger.choosing import Order
from jldhub.images.purging.pod import OrderTooLarge, PurgePod, purge_pod, read_purge_pod
from jldhub.images.purging.runtime import UnknownRuntime, socket_path

from ..prepuller.world import GPU, START, node
from .builders import PURGE, ours

SOCKET = "/run/containerd/containerd.sock"


def pod(**changes: Any) -> dict[str, Any]:
    return purge_pod(node("a"), SOCKET, ours(), 80, PURGE, "localhost/jld/hub:0.1.0", [GPU, GPU], **changes)


def test_of_its_node_it_has_the_socket_alone() -> None:
    spec = pod()["spec"]
    assert spec["nodeName"] == "a"
    assert [each for each in spec["volumes"] if "configMap" not in each] == [
        {"name": "socket", "hostPath": {"path": SOCKET, "type": "Socket"}}
    ]
    assert not {"hostNetwork", "hostPID", "hostIPC", "imagePullSecrets", "activeDeadlineSeconds"} & spec.keys()
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "runAsGroup": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert spec["tolerations"] == [GPU.manifest]


@pytest.mark.parametrize("dry_run", [False, True])
def test_its_order_is_what_the_program_reads(dry_run: bool) -> None:
    variables = {each["name"]: each["value"] for each in pod(dry_run=dry_run)["spec"]["containers"][0]["env"]}
    our = ours()
    assert Order.read(variables["JLD_PURGE"]) == Order(our.repositories, our.wanted, 80, dry_run)


def test_a_node_has_one_name_of_a_pod() -> None:
    assert pod()["metadata"] == pod(dry_run=True)["metadata"]
    assert pod()["metadata"]["namespace"] == "science-jld-purge"


def test_more_names_than_linux_takes_make_no_pod() -> None:
    many = replace(ours(), wanted=frozenset(f"registry.example.org/lab:{number}" for number in range(5000)))
    with pytest.raises(OrderTooLarge, match="5000 names"):
        purge_pod(node("a"), SOCKET, many, 80, PURGE, "localhost/jld/hub:0.1.0", [])


@pytest.mark.parametrize(
    ("runtime", "labels", "path"),
    [
        ("containerd://2.1.4", {}, SOCKET),
        ("containerd://1.7.24~ds1", {}, SOCKET),
        ("cri-o://1.33.1", {}, "/run/crio/crio.sock"),
        ("containerd://2.1.4-k3s1", {}, "/run/k3s/containerd/containerd.sock"),
        ("containerd://2.1.4-k3s2.33", {}, "/run/k3s/containerd/containerd.sock"),
        ("containerd://2.1.4", {"node.kubernetes.io/instance-type": "rke2"}, "/run/k3s/containerd/containerd.sock"),
        ("containerd://2.1.4", {"node.kubernetes.io/instance-type": "m5.large"}, SOCKET),
    ],
)
def test_each_runtime_has_its_socket(runtime: str, labels: dict[str, str], path: str) -> None:
    assert socket_path(at(runtime, labels), "") == path
    assert socket_path(at(runtime, labels), "/var/run/its.sock") == "/var/run/its.sock"


@pytest.mark.parametrize("runtime", ["docker://29.0.1", ""])
def test_a_runtime_that_nobody_knows_needs_its_path_written(runtime: str) -> None:
    with pytest.raises(UnknownRuntime, match=r"prepuller\.runtimeSocket"):
        socket_path(at(runtime, {}), "")
    assert socket_path(at(runtime, {}), "/run/cri-dockerd.sock") == "/run/cri-dockerd.sock"


def at(runtime: str, labels: dict[str, str]) -> Node:
    return node("a", info={"containerRuntimeVersion": runtime}, labels=labels)


def ended(phase: str, message: str = "", **status: Any) -> dict[str, Any]:
    containers = [{"state": {"terminated": {"exitCode": 0, "message": message}}}]
    metadata = {"name": "jld-purge-1", "creationTimestamp": START.isoformat()}
    return {
        "metadata": metadata,
        "spec": {"nodeName": "a"},
        "status": {"phase": phase, "containerStatuses": containers} | status,
    }


SUMMARY = {"percentBefore": 87.2, "percentAfter": 69.1, "removed": 2, "freed": 9 * 10**9}


@pytest.mark.parametrize(
    ("message", "result"),
    [
        (json.dumps(SUMMARY), "removed 2 images, 9.0 GB; the disk was 87 % full and is 69 %"),
        (
            json.dumps(SUMMARY | {"removed": 0, "freed": 0, "percentAfter": 87.2}),
            "removed 0 images; the disk was 87 % full and is 87 %",
        ),
        (
            json.dumps(SUMMARY | {"removed": 1, "trouble": "RemoveImage: no"}),
            "removed 1 image, 9.0 GB; the disk was 87 % full and is 69 %. It ended early: RemoveImage: no",
        ),
        ("Traceback (most recent\n call last)", "Traceback (most recent call last)"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("", ""),
    ],
)
def test_what_it_left_behind_is_read(message: str, result: str) -> None:
    assert read_purge_pod(ended("Succeeded", message)) == PurgePod(
        "jld-purge-1", "a", START, is_over=True, result=result
    )


def test_a_pod_that_its_node_did_not_take_has_failed_for_the_kubelet_s_reason() -> None:
    raw = ended("Failed")
    raw["status"] = {"phase": "Failed", "message": "Pod was rejected: OutOfpods"}
    assert read_purge_pod(raw) == PurgePod(
        "jld-purge-1", "a", START, is_over=True, has_failed=True, result="Pod was rejected: OutOfpods"
    )


def test_one_that_runs_is_not_over() -> None:
    found = read_purge_pod(ended("Running", containerStatuses=[{"state": {"running": {}}}]))
    assert found == PurgePod("jld-purge-1", "a", START, is_over=False)


def test_one_on_no_node_is_none() -> None:
    assert read_purge_pod({"metadata": {"name": "x"}, "spec": {}}) is None
