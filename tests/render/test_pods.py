"""The rules that every pod of the chart keeps. Each rule is a function that names what breaks it, and is shown a pod that does."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from rendering import (
    ADDED_CONTAINERS,
    ADDED_VARIABLES,
    VERSION,
    Object,
    Pod,
    Question,
    chosen_components,
    refusal,
    render,
)

Rule = Callable[[Pod], Iterator[str]]
# Who is root, for the sake of everybody's files, and with which capabilities.
ROOTS = {
    "file-server": ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SETGID", "SETUID"],
    "backup": ["DAC_OVERRIDE"],
}
# Whom a restart would not help: the mount that hangs belongs to the node.
NEVER_RESTARTED = {"keepalive"}


def runs_without_rights(pod: Pod) -> Iterator[str]:
    """Pod Security "restricted", and no group of root. docs/security.md has the reasons of the exceptions."""
    security = pod.spec.get("securityContext", {})
    if pod.component in ROOTS:
        yield from _is_root_for_files_and_no_more(pod, ROOTS[pod.component])
        return
    if pod.component == "filebeat":
        yield from _reads_logs_and_no_more(pod)
        return
    if security.get("runAsNonRoot") is not True:
        yield "may run as root"
    if not security.get("runAsUser") or not security.get("runAsGroup"):
        yield "does not say as whom it runs"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    for shared in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(shared):
            yield f"shares {shared}"
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret", "projected", "downwardAPI"}
    for volume in pod.spec.get("volumes", []):
        if not set(volume) - {"name"} <= allowed:
            yield f"volume {volume['name']} is not of an allowed kind"
    for container in pod.containers:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"{container['name']} may gain rights"
        if (pod.component, container["name"]) == ("keepalive", "folder"):
            if own["capabilities"] != {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"], "drop": ["ALL"]}:
                yield "folder has other capabilities than a lab's home maker"
            continue
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{container['name']} has capabilities"
        if {"runAsUser", "runAsNonRoot", "runAsGroup", "seccompProfile"} & set(own):
            yield f"{container['name']} overrides the pod"


def _is_root_for_files_and_no_more(pod: Pod, capabilities: list[str]) -> Iterator[str]:
    """Root, for it serves or reads everybody's files, and not privileged."""
    (own,) = [container["securityContext"] for container in pod.containers]
    if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
        yield "may gain rights"
    if own["capabilities"] != {"drop": ["ALL"], "add": capabilities}:
        yield "has capabilities that were not weighed"
    if pod.spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    if {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec):
        yield "shares something of the node"


def _reads_logs_and_no_more(pod: Pod) -> Iterator[str]:
    """Root without a capability, for logs are root's alone. Of the node it sees these two folders."""
    for container in pod.containers:
        if container["securityContext"] != {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "runAsUser": 0,
        }:
            yield f"{container['name']} has rights that were not weighed"
    if pod.spec["securityContext"] != {"seccompProfile": {"type": "RuntimeDefault"}}:
        yield "has no seccomp profile"
    if {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec):
        yield "shares something of the node"
    if pod.spec["shareProcessNamespace"] is not (len(pod.containers) > 1):
        yield "shares processes with nobody, or not with the exporter"
    seen = {volume["name"]: volume["hostPath"]["path"] for volume in pod.spec["volumes"] if "hostPath" in volume}
    if set(seen) != {"pods", "state"} or seen["pods"] != "/var/log/pods":
        yield "sees more of the node"
    (mounted,) = [mount for each in pod.containers for mount in each["volumeMounts"] if mount["name"] == "pods"]
    if mounted.get("readOnly") is not True:
        yield "may change logs"


def writes_only_where_it_must(pod: Pod) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    for container in pod.containers:
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} can write its image"
        for mount in container.get("volumeMounts", []):
            if {"configMap", "secret", "projected"} & set(volumes[mount["name"]]) and not mount.get("readOnly"):
                yield f"{container['name']} can write {mount['name']}"
    for volume in volumes.values():
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"{volume['name']} can fill the node"


def takes_a_known_share(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for kind in ("requests", "limits"):
            if set(container.get("resources", {}).get(kind, {})) < {"cpu", "memory"}:
                yield f"{container['name']} has no {kind}"


def is_looked_after(pod: Pod) -> Iterator[str]:
    if pod.component in ("storage-hooks", "backup"):
        return  # their Jobs have the deadline
    if pod.component.startswith("placeholder-"):
        return  # they do nothing that could be asked about
    if pod.spec.get("restartPolicy") == "Never":
        if "activeDeadlineSeconds" not in pod.spec:
            yield "may hang for ever"
        return
    for container in pod.spec["containers"]:
        if container["name"] in ADDED_CONTAINERS:
            continue  # whoever adds one looks after it
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe == "livenessProbe" and pod.component in NEVER_RESTARTED:
                continue
            if probe not in container:
                yield f"{container['name']} has no {probe}"


def holds_no_token(pod: Pod) -> Iterator[str]:
    """Only the hub, the storage's hooks and the prepuller talk to the Kubernetes API, and filebeat where it labels pods."""
    if pod.component == "filebeat" and "NODE_NAME" in str(pod.spec):
        return  # it has a test of its own
    if pod.spec.get("automountServiceAccountToken") is not (pod.component in ("hub", "storage-hooks", "prepuller")):
        yield "holds a token that it does not use, or lacks the one that it does"


def knows_no_neighbours(pod: Pod) -> Iterator[str]:
    if pod.spec.get("enableServiceLinks") is not False:
        yield "has the addresses of all Services in its environment"


def keeps_secrets_in_files(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if container.get("envFrom"):
            yield f"{container['name']} takes its environment from elsewhere"
        for variable in container.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}) and variable["name"] not in ADDED_VARIABLES:
                yield f"{container['name']} has a secret in {variable['name']}"
    for volume in pod.spec.get("volumes", []):
        if "projected" in volume and volume["projected"].get("defaultMode") != 0o440:
            yield f"everybody may read {volume['name']}"
        # Firefly's pod has no fsGroup, for the sake of the shared volumes: the file stays root's, and in its pod is nobody else.
        if "secret" in volume and volume["secret"].get("defaultMode") != (
            0o444 if pod.component == "firefly" else 0o440
        ):
            yield f"everybody may read {volume['name']}"


RULES: list[Rule] = [
    runs_without_rights,
    writes_only_where_it_must,
    takes_a_known_share,
    is_looked_after,
    holds_no_token,
    knows_no_neighbours,
    keeps_secrets_in_files,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_every_pod_keeps_the_rule(rule: Rule, site: Path) -> None:
    pods = render(Question(site)).pods

    assert {pod.component for pod in pods} == {"hub", "nginx", "test"} | chosen_components(site)
    assert [f"{pod.name} {why}" for pod in pods for why in rule(pod)] == []


def _container(spec: Object) -> Any:
    return spec["containers"][0]


BROKEN: list[tuple[Rule, Callable[[Object], object]]] = [
    (runs_without_rights, lambda spec: spec["securityContext"].pop("runAsNonRoot")),
    (runs_without_rights, lambda spec: spec["securityContext"].update(runAsGroup=0)),
    (runs_without_rights, lambda spec: spec["securityContext"].pop("seccompProfile")),
    (runs_without_rights, lambda spec: spec.update(hostNetwork=True)),
    (runs_without_rights, lambda spec: spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}})),
    (runs_without_rights, lambda spec: _container(spec)["securityContext"].update(privileged=True)),
    (runs_without_rights, lambda spec: _container(spec)["securityContext"].update(capabilities={"add": ["CHOWN"]})),
    (runs_without_rights, lambda spec: _container(spec)["securityContext"].update(runAsUser=0)),
    (writes_only_where_it_must, lambda spec: _container(spec)["securityContext"].pop("readOnlyRootFilesystem")),
    (writes_only_where_it_must, lambda spec: _container(spec)["volumeMounts"][0].pop("readOnly")),
    (writes_only_where_it_must, lambda spec: spec["volumes"].append({"name": "big", "emptyDir": {}})),
    (takes_a_known_share, lambda spec: _container(spec)["resources"].pop("requests")),
    (takes_a_known_share, lambda spec: _container(spec)["resources"]["limits"].pop("memory")),
    (is_looked_after, lambda spec: _container(spec).pop("livenessProbe")),
    (is_looked_after, lambda spec: spec.update(restartPolicy="Never")),
    (holds_no_token, lambda spec: spec.pop("automountServiceAccountToken")),
    (knows_no_neighbours, lambda spec: spec.pop("enableServiceLinks")),
    (keeps_secrets_in_files, lambda spec: _container(spec).update(envFrom=[{"secretRef": {"name": "jld-hub"}}])),
    (
        keeps_secrets_in_files,
        lambda spec: _container(spec)["env"].append(
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
        ),
    ),
    (
        keeps_secrets_in_files,
        lambda spec: [volume["secret"].update(defaultMode=0o444) for volume in spec["volumes"] if "secret" in volume],
    ),
]


@pytest.mark.parametrize(("rule", "damage"), BROKEN)
def test_the_rule_notices_a_pod_that_breaks_it(
    rule: Rule, damage: Callable[[Object], object], values: dict[str, Path]
) -> None:
    (hub,) = [pod for pod in render(Question(values["minimal"])).pods if pod.component == "hub"]
    broken = deepcopy(hub)
    damage(broken.spec)

    assert list(rule(hub)) == []
    assert list(rule(broken)) != []


@pytest.mark.parametrize("labels", [False, True])
def test_filebeat_sees_the_cluster_only_where_it_labels_pods(values: dict[str, Path], labels: bool) -> None:
    rendered = render(
        Question(values["logging"], (f"logging.podLabels={str(labels).lower()}", "prepuller.enabled=false"))
    )
    (pod,) = [pod for pod in rendered.pods if pod.component == "filebeat"]
    roles = [each for each in rendered.of_kind("ClusterRole") if "filebeat" in each["metadata"]["name"]]
    assert pod.spec["automountServiceAccountToken"] is labels
    assert [role["rules"] for role in roles] == (
        [[{"apiGroups": [""], "resources": ["pods", "nodes", "namespaces"], "verbs": ["get", "list", "watch"]}]]
        if labels
        else []
    )


def test_only_one_hub_ever_runs(site: Path) -> None:
    spec = render(Question(site)).one("Deployment", "jld-hub")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (2, 1), (3, 1)])
def test_several_front_doors_are_drained_one_at_a_time(values: dict[str, Path], replicas: int, budgets: int) -> None:
    rendered = render(Question(values["minimal"], (f"nginx.replicas={replicas}",)))

    assert rendered.one("Deployment", "jld-nginx")["spec"]["replicas"] == replicas
    assert len(rendered.of_kind("PodDisruptionBudget")) == budgets


def test_a_budget_keeps_no_copy_that_does_not_work(site: Path) -> None:
    """One that is not ready serves nobody, and its node could not be drained for ever."""
    changes = ("nginx.replicas=2", "storage.nfs.podDisruptionBudget=true")
    budgets = render(Question(site, changes)).of_kind("PodDisruptionBudget")

    assert budgets
    assert {each["spec"].get("unhealthyPodEvictionPolicy") for each in budgets} == {"AlwaysAllow"}


def test_the_test_stays_until_the_next_one_so_that_its_log_can_be_read(site: Path) -> None:
    annotations = render(Question(site)).one("Pod", "jld-test")["metadata"]["annotations"]
    of_helm = {key: value for key, value in annotations.items() if key.startswith("helm.sh/")}
    assert of_helm == {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation"}


def test_the_hub_may_do_what_it_does_and_no_more(values: dict[str, Path]) -> None:
    assert render(Question(values["minimal"])).one("Role", "jld-hub")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "delete"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["jld-lab"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    ]


@pytest.mark.parametrize(
    ("user_namespaces", "more"),
    [("false", []), ("true", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}])],
)
def test_the_prepuller_may_do_what_it_does_and_no_more(
    values: dict[str, Path], user_namespaces: str, more: list[Object]
) -> None:
    changes = (
        f"global.userNamespaces={user_namespaces}",
        'storage.mode="external"',
        'storage.external.server="10.0.0.9"',
    )
    rendered = render(Question(values["minimal"], changes))
    bindings = {
        each["kind"]: (each["roleRef"]["kind"], each["roleRef"]["name"])
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for each in rendered.of_kind(kind)
        if any(subject["name"] == "jld-prepuller" for subject in each["subjects"])
    }

    assert bindings == {
        "RoleBinding": ("Role", "jld-prepuller"),
        "ClusterRoleBinding": ("ClusterRole", "science.jld-prepuller"),
    }
    assert rendered.one("Role", "jld-prepuller")["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["jld-catalogue"], "verbs": ["get", "patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "delete"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["jld-prepuller"], "verbs": ["get"]},
    ]
    assert rendered.one("ClusterRole", "science.jld-prepuller")["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
        *more,
    ]


def test_images_follow_the_registry_and_the_chart_version(values: dict[str, Path]) -> None:
    changes = (
        'global.imageRegistry="registry.example.org/ours"',
        'nginx.image.tag="9.9"',
        'global.imagePullSecrets=["login"]',
    )
    rendered = render(Question(values["minimal"], changes))
    images = {pod.component: [each["image"] for each in pod.containers] for pod in rendered.pods}

    assert images == {
        "hub": [f"registry.example.org/ours/hub:{VERSION}"],
        "nginx": ["registry.example.org/ours/nginx:9.9"],
        "prepuller": [f"registry.example.org/ours/hub:{VERSION}"],
        "test": [f"registry.example.org/ours/hub:{VERSION}"],
    }
    assert [pod.spec["imagePullSecrets"] for pod in rendered.pods] == [[{"name": "login"}]] * 4
    assert rendered.settings()["names"]["labImage"] == f"registry.example.org/ours/lab-science:{VERSION}"
    assert rendered.settings()["names"]["imagePullSecrets"] == ["login"]


def test_a_quota_is_for_labs_and_there_only_when_it_is_asked_for(values: dict[str, Path]) -> None:
    assert render(Question(values["minimal"])).of_kind("ResourceQuota") == []
    rendered = render(Question(values["everything"]))
    # 26 labs of 16 cores and 64 GiB.
    assert rendered.one("ResourceQuota", "jld-lab")["spec"] == {
        "scopes": ["Terminating"],
        "hard": {"limits.cpu": "416", "limits.memory": "1664Gi"},
    }
    # What it counts is pods with a deadline: none that people need may have one, or labs would keep it from starting.
    assert [pod.name for pod in rendered.pods if "activeDeadlineSeconds" in pod.spec] == ["jld-test"]
    one = render(Question(values["minimal"], ("hub.lab.quota.cpu=2.5",))).one("ResourceQuota", "jld-lab")
    assert one["spec"]["hard"] == {"limits.cpu": "2.5"}


@pytest.mark.parametrize("key", ['quota={"labs": 26}', 'ladder={"smallestCpu": 1}'])
def test_what_the_tool_works_out_is_not_passed_over_without_it(values: dict[str, Path], key: str) -> None:
    assert "`jld values` works out" in refusal(Question(values["minimal"], (f"hub.lab.{key}",)))
