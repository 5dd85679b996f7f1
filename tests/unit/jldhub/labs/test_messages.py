"""What a person reads when a lab does not start. The left side is what a real cluster says."""

from typing import Any

import pytest
from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start import messages

IMAGE = "registry.example.org/jld/lab:7"


def pod(*, init: dict[str, Any] | None = None, lab: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """A pod with one init container and the lab, whose states are given."""
    if init is not None:
        status["initContainerStatuses"] = [{"name": "home", "image": "", "restartCount": 0, **init}]
    if lab is not None:
        status["containerStatuses"] = [{"name": "notebook", "image": "", "restartCount": 0, **lab}]
    spec = {
        "initContainers": [{"name": "home", "image": "registry.example.org/jld/hub:7"}],
        "containers": [{"name": "notebook", "image": IMAGE}],
    }
    return {"metadata": {"name": "jld-lab-ada", "uid": "1"}, "spec": spec, "status": {"phase": "Pending", **status}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, message: str = "", reason: str = "Error", restarts: int = 0) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": reason, "message": message}}, "restartCount": restarts}


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(conditions=[condition])


def event(reason: str, message: str, at: str = "2026-01-01T00:00:00Z", type: str = "Warning") -> dict[str, Any]:
    return {"reason": reason, "message": message, "type": type, "lastTimestamp": at, "eventTime": None}


NOT_FOUND = f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'

RUNC = 'runc create failed: unable to start container process: error during container init: exec: "/bin/sh": stat /bin/sh: no such file or directory'
CRI_O = "container create failed: executable file `/bin/sh` not found in $PATH: No such file or directory"
NO_JUPYTER = "jld-lab: this image cannot be a lab, because it has no jupyterhub-singleuser on its PATH (/bin)\n"

ROWS = [
    (pod(lab=waiting("ErrImagePull", NOT_FOUND)), "image", True, f"The image {IMAGE} does not exist"),
    (pod(lab=waiting("ImagePullBackOff", f"Back-off pulling image: {NOT_FOUND}")), "image", True, "does not exist"),
    (pod(lab=waiting("ErrImagePull", "401 Unauthorized")), "image", True, "may not read it"),
    (pod(lab=waiting("InvalidImageName", "couldn't parse image name")), "image", True, "does not exist"),
    (pod(lab=waiting("ErrImageNeverPull", "not present")), "image", True, "is not on the node"),
    (pod(init=waiting("ErrImagePull", "x: not found")), "image", True, "The image registry.example.org/jld/hub:7"),
    (pod(lab=waiting("ErrImagePull", "dial tcp: i/o timeout")), "registry", False, "registry does not answer"),
    (pod(lab=waiting("CreateContainerConfigError", "failed to sync")), "container", False, "could not be made"),
    (pod(lab=waiting("CreateContainerConfigError", 'secret "x" not found')), "container", True, "the Secret x."),
    (pod(lab=waiting("CreateContainerConfigError", 'configmap "x" not found')), "container", True, "the ConfigMap x."),
    (
        pod(lab=waiting("CreateContainerConfigError", "couldn't find key k.pem in Secret science/grid")),
        *("container", True, "the key k.pem of the Secret grid."),
    ),
    (pod(init=ended(1, "home directory refused: /homes/ada is a link")), "home", False, "Your home directory"),
    (pod(init=ended(1, "refused", restarts=2)), "home", True, "Your home directory could not be made ready"),
    (pod(lab=ended(137, reason="OOMKilled", restarts=2)), "memory", True, "more memory than its size has"),
    (pod(lab=ended(3, restarts=2)), "crashed", True, "ended right after its start"),
    (pod(lab=ended(128, f"failed to create containerd task: {RUNC}", "StartError")), "image", True, "has no /bin/sh"),
    (pod(lab=waiting("CreateContainerError", CRI_O)), "image", True, f"The image {IMAGE} cannot be a lab"),
    (pod(lab=ended(1, NO_JUPYTER)), "program", True, "this image cannot be a lab, because it has no jupyterhub-single"),
    (pod(lab=ended(1, f"{NO_JUPYTER}Traceback\n", restarts=2)), "crashed", True, "ended right after its start"),
    (pod(lab=ended(0, "usage", "Completed")), "ended", True, "The lab's program ended by itself"),
    (pod(lab=ended(1, "OSError: [Errno 28] No space left on device", restarts=2)), "full", True, "is full"),
    (pod(init=ended(1, "could not be made: Disk quota exceeded")), "full", False, "remove files or to give you more"),
    (unscheduled("0/3 nodes are available: 3 Insufficient memory."), "room", False, "No node of the cluster has room"),
    (unscheduled("0/3 nodes are available: 3 Too many pods."), "room", False, "Choose a smaller size"),
    (unscheduled("0/1 nodes are available: 1 node(s) had untolerated taint"), "nodes", False, "takes this lab"),
    (unscheduled('persistentvolumeclaim "jld-home" not found'), "volume", False, "A volume that the lab needs"),
    (unscheduled("1 node(s) had volume node affinity conflict"), "volume", False, "A volume that the lab needs"),
    (pod(phase="Failed", reason="Evicted", message="low on memory"), "evicted", True, "stopped it (Evicted)"),
]


@pytest.mark.parametrize(
    ("found", "reason", "final", "words"), ROWS, ids=[f"{n}-{row[1]}" for n, row in enumerate(ROWS)]
)
def test_each_state_has_its_sentence(found: dict[str, Any], reason: str, final: bool, words: str) -> None:
    why = messages.obstacle(found)
    assert why is not None
    assert (why.reason, why.final) == (reason, final)
    assert words in why.sentence
    assert why.detail


HEALTHY = [
    None,
    {},
    {"status": None},
    pod(),
    pod(lab=waiting("ContainerCreating"), init={"state": {"running": {}}}),
    pod(lab=waiting("PodInitializing"), init=ended(0, "home directory of ada made", "Completed")),
    pod(conditions=[{"type": "PodScheduled", "status": "True"}]),
    pod(phase="Running", lab={"state": {"running": {}}}),
    pod(phase="Running", lab={"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}),
]


@pytest.mark.parametrize("found", HEALTHY)
def test_a_pod_that_only_needs_time_has_no_obstacle(found: dict[str, Any] | None) -> None:
    assert messages.obstacle(found, [event("Pulling", "Pulling image", type="Normal")]) is None


def test_a_container_between_two_tries_is_told_by_how_the_last_one_ended() -> None:
    found = waiting("CrashLoopBackOff", "back-off 10s restarting failed container") | {
        "lastState": {
            "terminated": {"exitCode": 1, "reason": "Error", "message": "home directory refused: it is a link"}
        },
        "restartCount": 2,
    }
    why = messages.obstacle(pod(init=found))
    assert why == Obstacle(
        "home",
        "Your home directory could not be made ready. Tell an administrator of this site.",
        "home ended with exit code 1 (Error): home directory refused: it is a link",
        final=True,
    )


# What the scheduler of Kubernetes says, of 1.30 to 1.37.
UNBOUND = [
    "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
    "0/2 nodes are available: 2 node(s) had volume node affinity conflict.",
    "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
    "0/2 nodes are available: 2 node(s) did not have enough free storage.",
    "0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
    "0/2 nodes are available: 2 node(s) had no available volume zone.",
    "0/2 nodes are available: 2 node(s) exceed max volume count.",
    'persistentvolumeclaim "jld-home.ada" not found',
    'persistentvolumeclaim "jld-home.ada" is being deleted',
    'storageclass.storage.k8s.io "fast" not found',
    'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
]


@pytest.mark.parametrize("message", UNBOUND)
def test_a_volume_that_no_node_reaches_is_told_as_one(message: str) -> None:
    why = messages.obstacle(unscheduled(message))
    assert why is not None
    assert (why.reason, why.final) == ("volume", False)
    assert message[:60] in why.detail


def test_where_the_node_of_a_home_is_full_room_is_what_is_missing() -> None:
    message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match PersistentVolume's node affinity."
    why = messages.obstacle(unscheduled(message))
    assert why is not None
    assert why.reason == "room"
    assert why.sentence.startswith("No node that reaches your home has room for a lab of this size")


def test_a_home_that_another_node_has_is_told_with_what_to_do() -> None:
    message = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) jld-lab-ada'
    why = messages.obstacle(pod(), [event("FailedAttachVolume", message)])
    assert why is not None
    assert why.reason == "volume"
    assert "Stop your other labs and start this one again" in why.sentence


def test_a_volume_that_is_not_mounted_is_known_from_the_newest_event() -> None:
    events = [
        event("FailedMount", "new", "2026-01-01T00:02:00Z"),
        event("FailedMount", "old", "2026-01-01T00:01:00Z"),
    ]
    why = messages.obstacle(pod(lab=waiting("ContainerCreating")), events)
    assert why is not None
    assert (why.reason, why.detail, why.final) == ("volume", "FailedMount: new", False)


def mount_failed(output: str) -> str:
    """As the kubelet says it."""
    return (
        'MountVolume.SetUp failed for volume "science.jld-home" : mount failed: exit status 32\n'
        "Mounting command: mount\nMounting arguments: -t nfs -o hard,nfsvers=4.2 10.96.0.7:/home /var/lib/kubelet/pods/x\n"
        f"Output: {output}\n"
    )


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "mount: /var/lib/kubelet/pods/x: bad option; for several filesystems (e.g. nfs, cifs) you might need a "
            "/sbin/mount.<type> helper program.\n       dmesg(1) may have more information after failed mount system call.",
            "it is in the node's package nfs-common or nfs-utils",
        ),
        ("mount: unknown filesystem type 'nfs'", "nfs-common or nfs-utils"),
        ("mount.nfs: access denied by server while mounting 10.96.0.7:/home", "(storage.nfs.clients)"),
        (
            "mount.nfs: mounting 10.96.0.7:/home failed, reason given by server: No such file or directory",
            "the node is none of its clients",
        ),
        ("mount.nfs: Protocol not supported", "mount options are not what"),
        ("mount.nfs: requested NFS version or transport protocol is not supported for /home", "mount options are not"),
        ("mount.nfs: an incorrect mount option was specified for /home", "mount options are not what"),
        ("mount.nfs: Connection timed out for 10.96.0.7:/home on /home", "does not answer the lab's node"),
        ("mount.nfs: No route to host for 10.96.0.7:/home on /home", "does not answer the lab's node"),
        ("mount.nfs: something else", "could not be mounted, such as the home directories"),
    ],
)
def test_a_mount_that_failed_is_told_with_its_cause(output: str, words: str) -> None:
    why = messages.obstacle(pod(lab=waiting("ContainerCreating")), [event("FailedMount", mount_failed(output))])
    assert why is not None
    assert (why.reason, why.final) == ("volume", False)
    assert words in why.sentence
    assert why.detail.startswith("FailedMount: MountVolume.SetUp failed")


SETUP = 'MountVolume.SetUp failed for volume "x" : '


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f'{SETUP}secret "grid" not found', "is not there: the Secret grid. Tell an administrator"),
        (f'{SETUP}configmap "survey" not found', "is not there: the ConfigMap survey."),
        (f"{SETUP}references non-existent secret key: k.pem", "is not there: the key k.pem of the Secret."),
        (f"{SETUP}references non-existent config key: a.json", "is not there: the key a.json of the ConfigMap."),
        # The hub writes the lab's own when its pod is there.
        (f'{SETUP}secret "jld-lab-ada-0a1b" not found', "could not be mounted"),
    ],
)
def test_what_a_site_names_and_is_not_there_is_told_before_the_time_is_over(message: str, words: str) -> None:
    lab = pod(lab=waiting("ContainerCreating"))
    lab["spec"]["volumes"] = [{"name": "files", "secret": {"secretName": "jld-lab-ada-0a1b"}}, {"name": "tmp"}]
    why = messages.obstacle(lab, [event("FailedMount", message)])
    assert why is not None
    assert words in why.sentence
    assert (why.reason, why.final) == ("volume", False)


@pytest.mark.parametrize("remedy", ["no_root_squash", "drain the node", "look at its log", "move it away"])
def test_what_is_wrong_with_a_home_is_shown_with_its_remedy(remedy: str) -> None:
    refusal = f"home directory refused: /homes/ada: cause; an administrator must {remedy}"
    why = messages.obstacle(pod(init=ended(1, refusal)))
    assert why is not None
    assert (why.reason, why.detail) == ("home", f"home ended with exit code 1 (Error): {refusal}")


LIMITED = 'pods "jld-lab-ada" is forbidden: '
QUOTA = (
    'pods "jld-lab-ada" is forbidden: exceeded quota: jld-lab, requested: limits.cpu=2,limits.memory=4Gi, '
    "used: limits.cpu=8,limits.memory=16Gi, limited: limits.cpu=8,limits.memory=16Gi"
)


@pytest.mark.parametrize(
    ("status", "message", "reason", "words"),
    [
        (403, QUOTA, "quota", "(limits.cpu 2, limits.memory 4Gi more would exceed the quota jld-lab)"),
        (
            403,
            f"{LIMITED}maximum cpu usage per Container is 2, but limit is 4",
            "size",
            "above cpu 2. Choose a smaller",
        ),
        (
            403,
            f"{LIMITED}[maximum memory usage per Pod is 4Gi, but limit is 8589934592, x]",
            "size",
            "above memory 4Gi",
        ),
        (403, f"{LIMITED}minimum memory usage per Container is 1Gi, but request is 512Mi", "size", "Choose a larger"),
        (403, f"{LIMITED}maximum nvidia.com/gpu usage per Container is 0, but limit is 1", "size", "nvidia.com/gpu 0"),
        (403, 'violates PodSecurity "restricted:latest"', "refused", "does not allow this lab"),
        (422, "Pod is invalid: spec.containers[0].image: Required value", "invalid", "does not accept"),
        (500, "etcdserver: request timed out", "kubernetes", "does not answer as it should"),
        (0, "", "kubernetes", "does not answer as it should"),
    ],
)
def test_a_pod_that_is_not_taken_is_told(status: int, message: str, reason: str, words: str) -> None:
    why = messages.pod_rejected(status, message)
    assert (why.reason, why.final) == (reason, True)
    assert words in why.sentence


def test_a_timeout_tells_the_reason_that_is_known_and_else_the_last_warning() -> None:
    full = unscheduled("0/1 nodes are available: 1 Insufficient cpu.")
    assert messages.timed_out(300, full, []).reason == "room"
    events = [
        event("Failed", "something", "2026-01-01T00:01:00Z"),
        event("Pulling", "x", "2026-01-01T00:02:00Z", "Normal"),
    ]
    why = messages.timed_out(300, pod(), events)
    assert (why.reason, why.detail) == ("timeout", "Failed: something")
    assert "within 5 minutes" in why.sentence
    assert messages.timed_out(60, None, []).sentence.startswith("The lab did not start within 60 seconds.")


def test_what_kubernetes_says_is_one_line_of_bounded_length() -> None:
    why = messages.obstacle(pod(lab=waiting("ErrImagePull", "x\n" * 5000)))
    assert why is not None
    assert len(why.detail) <= 500
    assert "\n" not in why.detail


@pytest.mark.parametrize("events", [[{}], [{"reason": None, "message": None, "lastTimestamp": None}]])
def test_events_without_fields_are_no_trouble(events: list[dict[str, Any]]) -> None:
    assert isinstance(messages.newest_event(events), str)
