"""What `jld check` says of where pods run and what they carry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = "global: {hostname: jupyter.example.org}\nnginx: {tls: {existingSecret: t}}\n"
AUTH = "auth: {dummy: {users: [alice]}}"


def hub(rest: str) -> str:
    """A site that is right but for `rest` of the hub, in line 3."""
    return f"{HEAD}hub: {{{AUTH}, {rest}}}\n"


def site(rest: str) -> str:
    """A site that is right but for `rest`, from line 4 on."""
    return f"{HEAD}hub: {{{AUTH}}}\n{rest}\n"


def affinity(kind: str, when: str, term: str) -> str:
    return hub(f"pod: {{affinity: {{{kind}: {{{when}DuringSchedulingIgnoredDuringExecution: [{term}]}}}}}}")


AFFINITY = "hub.pod.affinity.{}.{}DuringSchedulingIgnoredDuringExecution"
NO_LABEL = 'the key "{}" is not accepted; write a name as labels have it, like app.kubernetes.io/name'
NOBODYS = "there is no such key; did you mean"
MISTAKES: list[tuple[str, str]] = [
    # Where keys stood before, or somebody looks for them.
    (hub("lab: {nodeSelector: {pool: labs}}"), f"hub.lab.nodeSelector: {NOBODYS} hub.lab.pod.nodeSelector?"),
    (hub("lab: {tolerations: []}"), f"hub.lab.tolerations: {NOBODYS} hub.lab.pod.tolerations?"),
    (hub("lab: {priorityClassName: a}"), f"hub.lab.priorityClassName: {NOBODYS} hub.lab.pod.priorityClassName?"),
    (
        site("storage: {nfs: {priorityClassName: a}}"),
        f"storage.nfs.priorityClassName: {NOBODYS} storage.nfs.pod.priorityClassName?",
    ),
    (
        site("logging: {filebeat: {tolerations: []}}"),
        f"logging.filebeat.tolerations: {NOBODYS} logging.filebeat.pod.tolerations?",
    ),
    (site("storage: {nodeSelector: {}}"), f"storage.nodeSelector: {NOBODYS} storage.pod.nodeSelector?"),
    (hub("pod: {nodeSelectors: {}}"), f"hub.pod.nodeSelectors: {NOBODYS} nodeSelector?"),
    # What Kubernetes would not take.
    (
        hub(
            "pod: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
            "[{topologyKey: zone, labelSelectors: {}}]}}}"
        ),
        "hub.pod.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelectors: "
        "Kubernetes has no such key here; did you mean labelSelector?",
    ),
    (
        hub("pod: {affinity: {podAffinity: {required: []}}}"),
        'hub.pod.affinity.podAffinity: the key "required" is not accepted; write '
        "requiredDuringSchedulingIgnoredDuringExecution or preferredDuringSchedulingIgnoredDuringExecution",
    ),
    (
        hub(
            "pod: {topologySpread: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}, "
            "{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}"
        ),
        "hub.pod.topologySpread[1].topologyKey: zone with DoNotSchedule is an earlier entry's already; leave one out",
    ),
    (
        hub("pod: {topologySpread: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: Never}]}"),
        'hub.pod.topologySpread[0].whenUnsatisfiable: found "Never"; write DoNotSchedule or ScheduleAnyway',
    ),
    (
        affinity("podAffinity", "preferred", "{weight: 101, podAffinityTerm: {topologyKey: zone}}"),
        f"{AFFINITY.format('podAffinity', 'preferred')}[0].weight: found 101; write a whole number from 1 to 100",
    ),
    (
        affinity("podAntiAffinity", "required", '{topologyKey: "the zone"}'),
        f"{AFFINITY.format('podAntiAffinity', 'required')}[0].topologyKey: "
        'no label is called "the zone"; write one like topology.kubernetes.io/zone',
    ),
    (
        affinity("podAffinity", "required", "{topologyKey: zone, namespaces: [Data]}"),
        f'{AFFINITY.format("podAffinity", "required")}[0].namespaces[0]: no namespace is called "Data"; write its name',
    ),
    (
        affinity("podAffinity", "required", '{topologyKey: zone, labelSelector: {matchLabels: {app: "a b"}}}'),
        f"{AFFINITY.format('podAffinity', 'required')}[0].labelSelector.matchLabels.app: "
        'no label has the value "a b"; write letters, digits, -, _ and . without blanks',
    ),
    (
        affinity(
            "nodeAffinity", "preferred", "{weight: 1, preference: {matchExpressions: [{key: a b, operator: Exists}]}}"
        ),
        f"{AFFINITY.format('nodeAffinity', 'preferred')}[0].preference.matchExpressions[0].key: "
        'no label is called "a b"; write one like topology.kubernetes.io/zone',
    ),
    # Names of labels and of resources.
    *(
        (hub(f"pod: {{nodeSelector: {{{name}: x}}}}"), f"hub.pod.nodeSelector: {NO_LABEL.format(name)}")
        for name in ("a..b/c", "-a/c", "a.-b/c", "A/c", "a/b/c")
    ),
    *(
        (
            hub(f"lab: {{sizes: {{gpu: {{cpu: 1, memory: 1Gi, gpus: 1, gpuResource: {name}}}}}}}"),
            f'hub.lab.sizes.gpu.gpuResource: found "{name}"; '
            "write a resource of the cluster's nodes, like nvidia.com/gpu",
        )
        for name in ("nvidia.com gpu", "nvidia..com/gpu", "gpu")
    ),
    *(
        (
            hub(f"lab: {{sizes: {{gpu: {{cpu: 1, memory: 1Gi, gpus: 1, gpuResource: {name}}}}}}}"),
            "hub.lab.sizes.gpu.gpuResource: names below kubernetes.io, and such as begin with requests., are no devices to "
            "Kubernetes; write the one that the device plug-in of your GPUs gives, like nvidia.com/gpu",
        )
        for name in ("kubernetes.io/gpu", "requests.nvidia.com/gpu")
    ),
    # What is JLD's.
    (
        site("storage: {pod: {labels: {app.kubernetes.io/component: lab}}}"),
        "storage.pod.labels: a label by which JLD, JupyterHub or Kubernetes finds pods is not a site's: labels of "
        "app.kubernetes.io, hub.jupyter.org, jld.lsst.org and helm.sh, and component, app, chart, heritage, release "
        "and pod-template-hash; write one of another name",
    ),
    (
        site("storage: {pod: {annotations: {helm.sh/hook: test}}}"),
        "storage.pod.annotations: annotations of hub.jupyter.org, jld.lsst.org, helm.sh and checksum are JLD's, "
        "JupyterHub's and Helm's own; write one of another name",
    ),
    (
        site("firefly: {pod: {serviceAccount: {annotations: {a: b}}}}"),
        "firefly.pod.serviceAccount: these pods have no ServiceAccount of their own, and no access to the cluster; remove it",
    ),
    # Placeholders.
    (
        hub("lab: {placeholders: {counts: {smal: 1}}}"),
        'hub.lab.placeholders.counts.smal: there is no size "smal" in hub.lab.sizes; did you mean small?',
    ),
    (
        hub("lab: {placeholders: {counts: {small: many}}}"),
        'hub.lab.placeholders.counts.small: found "many"; write a whole number from 0 to 1000',
    ),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=[sentence.partition(":")[0] for _, sentence in MISTAKES])
def test_a_mistake_about_pods_is_answered(text: str, sentence: str, complaints: Callable[[str], list[str]]) -> None:
    assert [each.partition(": error: ")[2] for each in complaints(text)] == [sentence]
