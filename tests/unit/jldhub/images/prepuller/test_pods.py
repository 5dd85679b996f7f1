"""The pod that pulls, and what its states and those of labs mean."""

from typing import Any

import pytest
from jldhub.images.prepuller.node import Place
from jldhub.images.prepuller.pods import LabPod, Outcome, Pull, is_refusal, pull_name, pull_pod, read_pod
from jldhub.settings.lab import PodSettings
from jldhub.settings.names import Names

from .test_plan import NAMES
from .world import COMPONENT, GPU, LAB_LABELS, OWN, START, image, lab_names, node

BY_DIGEST = image(7).runnable


@pytest.fixture
def names() -> Names:
    return lab_names(NAMES)


def raw(status: dict[str, Any], labels: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "jld-prepull-1",
            "uid": "u",
            "creationTimestamp": START.isoformat(),
            "labels": OWN.labels if labels is None else labels,
            "annotations": {"jld.lsst.org/pulls": BY_DIGEST},
            **metadata,
        },
        "spec": {"nodeName": "n1", "containers": [{"image": "a"}], "initContainers": [{"image": "b"}]},
        "status": status,
    }


def of_container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"phase": "Pending", "containerStatuses": [{"state": state, **more}]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return of_container({"waiting": {"reason": reason, "message": message}})


def test_the_pod_that_pulls_carries_what_labs_carry_and_keeps_what_is_its_own(names: Names) -> None:
    """A RuntimeClass may have images of its own on a node; a quota, a mesh or a bill reads classes, labels and annotations."""
    labs = PodSettings.model_validate(
        {
            "priorityClassName": "labs",
            "runtimeClassName": "kata",
            "labels": {"cost-center": "astronomy", COMPONENT: "other"},
            "annotations": {"sidecar.istio.io/inject": "false", "jld.lsst.org/pulls": "other"},
        }
    )
    plain, carrying = (pull_pod(image(7), node("n1"), names, OWN, "an-uid", each) for each in (PodSettings(), labs))

    assert carrying["spec"] == {**plain["spec"], "priorityClassName": "labs", "runtimeClassName": "kata"}
    assert carrying["metadata"] == {
        **plain["metadata"],
        "labels": {**plain["metadata"]["labels"], "cost-center": "astronomy"},
        "annotations": {**plain["metadata"]["annotations"], "sidecar.istio.io/inject": "false"},
    }


def test_the_pod_that_pulls_is_the_image_itself_and_may_do_nothing(names: Names) -> None:
    wanted = image(7, Place({"pool": "labs"}, (GPU,)), Place({}, (GPU,)))
    assert pull_pod(wanted, node("n1"), names, OWN, "an-uid", PodSettings()) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pull_name(OWN, "n1", BY_DIGEST),
            "namespace": "science",
            "labels": {"app.kubernetes.io/instance": "jld", COMPONENT: "prepull"},
            "annotations": {"jld.lsst.org/pulls": BY_DIGEST, "jld.lsst.org/image": "lab:w_7"},
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "ServiceAccount",
                    "name": "jld-prepuller",
                    "uid": "an-uid",
                    "blockOwnerDeletion": False,
                    "controller": False,
                }
            ],
        },
        "spec": {
            "nodeName": "n1",
            "containers": [
                {
                    "name": "pull",
                    "image": BY_DIGEST,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/true"],
                    "resources": {
                        "requests": {"cpu": "1m", "memory": "16Mi"},
                        "limits": {"cpu": "10m", "memory": "16Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "imagePullSecrets": [{"name": "registry"}],
            "tolerations": [{"operator": "Exists", "key": "gpu", "effect": "NoSchedule"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


def test_it_does_not_count_into_the_quota_of_labs(names: Names) -> None:
    """Which counts pods with a deadline (scope Terminating)."""
    assert "activeDeadlineSeconds" not in pull_pod(image(7), node(), names, OWN, "an-uid", PodSettings())["spec"]


def test_its_name_is_valid_and_another_one_for_each_node_and_image() -> None:
    pulled = {pull_name(OWN, name, reference) for name in ("n1", "n2") for reference in (BY_DIGEST, image(8).runnable)}
    assert len(pulled) == 4
    assert all(len(name) <= 63 for name in pulled)
    assert pull_name(OWN, "n1", BY_DIGEST) == pull_name(OWN, "n1", BY_DIGEST)


@pytest.mark.parametrize(
    ("status", "outcome", "message"),
    [
        ({}, Outcome.UNDER_WAY, ""),
        ({"phase": "Pending"}, Outcome.UNDER_WAY, ""),
        (waiting("ContainerCreating"), Outcome.UNDER_WAY, ""),
        (waiting("PodInitializing"), Outcome.UNDER_WAY, ""),
        (of_container({"waiting": {}}), Outcome.UNDER_WAY, ""),
        (of_container({"running": {}}), Outcome.PULLED, ""),
        (of_container({"terminated": {"reason": "Completed"}}, imageID="x"), Outcome.PULLED, ""),
        # Without /bin/true.
        (of_container({"terminated": {"reason": "StartError", "exitCode": 128}}, imageID="x"), Outcome.PULLED, ""),
        (of_container({"terminated": {"reason": "ContainerCannotRun"}}), Outcome.PULLED, ""),
        (waiting("CreateContainerError", "no such file"), Outcome.PULLED, ""),
        (waiting("RunContainerError"), Outcome.PULLED, ""),
        (of_container({"waiting": {"reason": "CrashLoopBackOff"}}, imageID="x"), Outcome.PULLED, ""),
        (waiting("ErrImagePull", "not found"), Outcome.FAILED, "ErrImagePull: not found"),
        (waiting("ImagePullBackOff", "Back-off"), Outcome.FAILED, "ImagePullBackOff: Back-off"),
        (waiting("InvalidImageName"), Outcome.FAILED, "InvalidImageName"),
        (waiting("RegistryUnavailable"), Outcome.FAILED, "RegistryUnavailable"),
        (waiting("SignatureValidationFailed"), Outcome.FAILED, "SignatureValidationFailed"),
        (waiting("ErrImageNeverPull"), Outcome.FAILED, "ErrImageNeverPull"),
        ({"phase": "Failed", "reason": "OutOfpods", "message": "Too many pods"}, Outcome.FAILED, "Too many pods"),
        ({"phase": "Failed", "reason": "NodeAffinity"}, Outcome.FAILED, "NodeAffinity"),
        ({"phase": "Failed"}, Outcome.FAILED, "the node did not take the pod"),
        (waiting("ErrImagePull", "x" * 10_000), Outcome.FAILED, ("ErrImagePull: " + "x" * 10_000)[:500]),
    ],
)
def test_what_a_state_means(status: dict[str, Any], outcome: Outcome, message: str) -> None:
    pull = read_pod(raw(status), OWN, LAB_LABELS)
    assert pull == Pull("jld-prepull-1", "u", "n1", BY_DIGEST, START, outcome, message)


def test_a_kubelet_goes_on_with_a_pull_whose_pod_is_deleted() -> None:
    pull = read_pod(raw({}, deletionTimestamp=START.isoformat()), OWN, LAB_LABELS)
    assert isinstance(pull, Pull)
    assert (pull.is_going, pull.is_over) == (True, False)


@pytest.mark.parametrize(
    ("status", "starting"),
    [
        ({}, True),
        ({"phase": "Pending"}, True),
        (waiting("ContainerCreating"), True),
        (waiting("ImagePullBackOff"), True),
        ({"phase": "Pending", "initContainerStatuses": [{"state": {"waiting": {}}}], "containerStatuses": []}, True),
        ({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, False),
        ({"phase": "Running", "containerStatuses": [{"state": {"waiting": {}}}]}, False),
        ({"phase": "Failed"}, False),
        ({"phase": "Succeeded"}, False),
    ],
)
def test_a_lab_is_starting_until_its_containers_run(status: dict[str, Any], starting: bool) -> None:
    assert read_pod(raw(status, LAB_LABELS), OWN, LAB_LABELS) == LabPod("n1", frozenset("ab"), starting)


def test_other_pods_and_labs_without_a_node_are_none_of_them() -> None:
    assert read_pod(raw({}, {COMPONENT: "hub"}), OWN, LAB_LABELS) is None
    assert read_pod(raw({}, {}), OWN, LAB_LABELS) is None
    lab = raw({}, LAB_LABELS)
    del lab["spec"]["nodeName"]
    assert read_pod(lab, OWN, LAB_LABELS) is None


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ('failed to resolve reference "x/y:1": x/y:1: not found', True),
        ("manifest unknown: manifest unknown", True),
        ("pull access denied, repository does not exist or may require authorization", True),
        ("unexpected status from HEAD request to https://x/v2/y/manifests/1: 401 Unauthorized", True),
        ("failed to authorize: failed to fetch anonymous token: 403 Forbidden", True),
        ("no basic auth credentials", True),
        ('couldn\'t parse image name "X": invalid reference format', True),
        ("dial tcp 10.0.0.1:443: i/o timeout", False),
        ("lookup registry.example.org: no such host", False),
        ("429 Too Many Requests - toomanyrequests: You have reached your pull rate limit", False),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", False),
        ("500 Internal Server Error", False),
        ("no space left on device", False),
        ("no match for platform in manifest", False),  # of this node alone
        ("", False),
    ],
)
def test_whose_fault_a_failed_pull_is(message: str, refused: bool) -> None:
    assert is_refusal(message) is refused
