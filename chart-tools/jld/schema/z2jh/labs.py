"""What stands below `singleuser`, `scheduling`, `prePuller` and `cull`: labs, and where and for how long they run."""

from __future__ import annotations

from jld.schema.z2jh.answer import (
    ACCOUNT,
    HISTORY,
    IMAGE,
    POD_SPEC,
    SAFE,
    Rows,
    by_hand,
    none,
    not_needed,
    now,
)

_SIZE = "hub.lab.sizes.<name>"
_OWN_HOME = "a home is `/home/NAME`, of the person's own user number"
_SCHEDULER = not_needed("the cluster's own scheduler places labs; hub.lab.pod draws them to nodes")
_PURPOSE = "`require` asks for the label hub.jupyter.org/node-purpose, `prefer` prefers it, which is z2jh's default"
_PULLERS = not_needed("pods that bring images have what labs have, in hub.lab.pod")
_CONTROLLER = not_needed("a controller brings each image to the nodes where labs run; see docs/operator.md")
_NAMES = "names are JLD's own, for it must know whose lab and claim is whose; docs/from-z2jh.md says how homes are taken over"
_PRIORITY = not_needed(
    "what holds room for labs has a priority of its own, below them; hub.lab.pod.priorityClassName is theirs"
)

SINGLEUSER: Rows = {
    "singleuser": now("hub.lab"),
    "singleuser.podNameTemplate": not_needed(_NAMES),
    "singleuser.image": now("hub.lab.images"),
    "singleuser.image.name": now("hub.lab.images.<name>.reference"),
    "singleuser.image.tag": now("hub.lab.images.<name>.reference"),
    "singleuser.image.pullPolicy": not_needed("labs have IfNotPresent, so that they start while the registry is down"),
    "singleuser.image.pullSecrets": now("global.imagePullSecrets"),
    "singleuser.imagePullSecret": by_hand(
        "global.imagePullSecrets", "make the Secret with `kubectl create secret docker-registry`"
    ),
    "singleuser.cpu": now(_SIZE),
    "singleuser.cpu.limit": now(f"{_SIZE}.cpu"),
    "singleuser.cpu.guarantee": now(f"{_SIZE}.guaranteedCpu"),
    "singleuser.memory": now(_SIZE),
    "singleuser.memory.limit": now(f"{_SIZE}.memory"),
    "singleuser.memory.guarantee": now(f"{_SIZE}.guaranteedMemory"),
    "singleuser.extraResource": now(_SIZE),
    "singleuser.extraResource.limits": now(f"{_SIZE}.gpus", "GPUs; no other resources"),
    "singleuser.extraResource.guarantees": now(f"{_SIZE}.gpus", "GPUs; no other resources"),
    "singleuser.profileList": now("hub.lab.images and hub.lab.sizes", "people choose an image and a size that fits it"),
    "singleuser.uid": not_needed("each lab runs under the user number of its person"),
    "singleuser.fsGid": not_needed("each lab runs under the numbers of its person and of their groups"),
    "singleuser.storage": now("storage"),
    "singleuser.storage.type": now("storage.homes", "`dynamic` is perPerson, `static` is shared"),
    "singleuser.storage.capacity": now("storage.perPerson.capacity"),
    "singleuser.storage.homeMountPath": not_needed(_OWN_HOME),
    "singleuser.storage.extraLabels": none("claims have the labels by which JLD finds them"),
    "singleuser.storage.dynamic": now("storage.perPerson"),
    "singleuser.storage.dynamic.storageClass": now("storage.perPerson.storageClass"),
    "singleuser.storage.dynamic.storageAccessModes": now(
        "storage.perPerson.accessMode", "ReadWriteOnce or ReadWriteMany"
    ),
    "singleuser.storage.dynamic.pvcNameTemplate": not_needed(_NAMES),
    "singleuser.storage.dynamic.volumeNameTemplate": not_needed(_NAMES),
    "singleuser.storage.dynamic.subPath": not_needed(_NAMES),
    "singleuser.storage.static": now("storage.volumes.home"),
    "singleuser.storage.static.pvcName": now("storage.volumes.home.existingClaim"),
    "singleuser.storage.static.subPath": by_hand(
        "storage.volumes.home", "homes are folders at its top; docs/from-z2jh.md says how they get there"
    ),
    "singleuser.storage.extraVolumes": now(
        "hub.lab.volumes", "claims, ConfigMaps, Secrets, CSI and empty folders, each with its mount"
    ),
    "singleuser.storage.extraVolumeMounts": now("hub.lab.volumes", "each with its volume"),
    "singleuser.extraEnv": now("hub.lab.environment"),
    "singleuser.extraFiles": now("hub.lab.files"),
    "singleuser.extraLabels": now("hub.lab.pod.labels"),
    "singleuser.extraAnnotations": now("hub.lab.pod.annotations"),
    "singleuser.nodeSelector": now("hub.lab.pod.nodeSelector"),
    "singleuser.extraTolerations": now("hub.lab.pod.tolerations"),
    "singleuser.extraNodeAffinity": now("hub.lab.pod.affinity.nodeAffinity"),
    "singleuser.extraNodeAffinity.required": now("hub.lab.pod.affinity.nodeAffinity"),
    "singleuser.extraNodeAffinity.preferred": now("hub.lab.pod.affinity.nodeAffinity"),
    "singleuser.extraPodAffinity": now("hub.lab.pod.affinity.podAffinity"),
    "singleuser.extraPodAffinity.required": now("hub.lab.pod.affinity.podAffinity"),
    "singleuser.extraPodAffinity.preferred": now("hub.lab.pod.affinity.podAffinity"),
    "singleuser.extraPodAntiAffinity": now("hub.lab.pod.affinity.podAntiAffinity"),
    "singleuser.extraPodAntiAffinity.required": now("hub.lab.pod.affinity.podAntiAffinity"),
    "singleuser.extraPodAntiAffinity.preferred": now("hub.lab.pod.affinity.podAntiAffinity"),
    "singleuser.initContainers": now("hub.lab.pod.initContainers"),
    "singleuser.extraContainers": now("hub.lab.pod.containers"),
    "singleuser.lifecycleHooks": now("hub.lab.pod.lifecycle"),
    "singleuser.extraPodConfig": by_hand(
        "hub.lab.pod", "it knows nodeSelector, affinity, priorityClassName, runtimeClassName and more"
    ),
    "singleuser.serviceAccountName": by_hand(
        "hub.lab.pod.serviceAccount.annotations",
        "the chart makes the account of labs, which has no rights in the cluster; clouds read its annotations",
    ),
    "singleuser.allowPrivilegeEscalation": none("labs meet Pod Security `restricted`; nobody becomes root with sudo"),
    "singleuser.cmd": not_needed("JLD starts Jupyter in any image that has it"),
    "singleuser.defaultUrl": now("hub.traits.KubeSpawner.default_url"),
    "singleuser.startTimeout": now("hub.lab.startTimeout"),
    "singleuser.events": not_needed("people always see what happens while their lab starts"),
    "singleuser.cloudMetadata": not_needed(
        "a NetworkPolicy keeps labs from the addresses where clouds hand out a node's credentials"
    ),
    "singleuser.networkTools": not_needed("no lab has a privileged container"),
    "singleuser.networkPolicy": now("hub.lab.network"),
    "singleuser.networkPolicy.enabled": by_hand("global.network.enabled", "policies are on for all pods or for none"),
    "singleuser.networkPolicy.ingress": now("hub.lab.network.ingress"),
    "singleuser.networkPolicy.egress": now("hub.lab.network.egress"),
    "singleuser.networkPolicy.egressAllowRules": by_hand(
        "hub.lab.network.allow and hub.lab.network.deny",
        "labs reach the internet, and of private networks those in allow",
    ),
    "singleuser.networkPolicy.interNamespaceAccessLabels": by_hand("hub.lab.network.ingress", "say who, by a rule"),
    "singleuser.networkPolicy.allowedIngressPorts": by_hand("hub.lab.network.ingress", "say who, by a rule"),
}
SCHEDULING: Rows = {
    "scheduling": now("hub.lab.placeholders, hub.lab.pod and global.pod"),
    "scheduling.userScheduler": _SCHEDULER,
    "scheduling.podPriority": _PRIORITY,
    "scheduling.userPlaceholder": now("hub.lab.placeholders"),
    "scheduling.userPlaceholder.enabled": now("hub.lab.placeholders.counts"),
    "scheduling.userPlaceholder.replicas": now("hub.lab.placeholders.counts", "of the default size"),
    "scheduling.userPlaceholder.image": IMAGE,
    "scheduling.userPlaceholder.revisionHistoryLimit": HISTORY,
    "scheduling.userPlaceholder.labels": none("placeholders have what labs have, in hub.lab.pod"),
    "scheduling.userPlaceholder.annotations": none("placeholders have what labs have, in hub.lab.pod"),
    "scheduling.userPlaceholder.containerSecurityContext": SAFE,
    "scheduling.userPlaceholder.resources": not_needed(
        "placeholders take the room of the size that they hold room for"
    ),
    "scheduling.userPlaceholder.extraPodSpec": POD_SPEC,
    "scheduling.corePods": now("global.pod"),
    "scheduling.corePods.tolerations": now("global.pod.tolerations"),
    "scheduling.corePods.nodeAffinity": now("global.pod.affinity.nodeAffinity"),
    "scheduling.corePods.nodeAffinity.matchNodePurpose": now("global.pod.affinity.nodeAffinity", _PURPOSE),
    "scheduling.userPods": now("hub.lab.pod"),
    "scheduling.userPods.tolerations": now("hub.lab.pod.tolerations"),
    "scheduling.userPods.nodeAffinity": now("hub.lab.pod.affinity.nodeAffinity"),
    "scheduling.userPods.nodeAffinity.matchNodePurpose": now("hub.lab.pod.affinity.nodeAffinity", _PURPOSE),
}
PREPULLER: Rows = {
    "prePuller": now("prepuller"),
    "prePuller.hook": now("prepuller.enabled"),
    "prePuller.hook.enabled": now("prepuller.enabled", "no upgrade waits for images"),
    **{
        f"prePuller.hook.{name}": _CONTROLLER
        for name in [
            "pullOnlyOnChanges",
            "image",
            "containerSecurityContext",
            "podSchedulingWaitDuration",
            "nodeSelector",
            "tolerations",
            "resources",
            "serviceAccount",
            "serviceAccountImagePuller",
            "daemonsetAnnotations",
        ]
    },
    "prePuller.continuous": now("prepuller.enabled"),
    "prePuller.continuous.enabled": now("prepuller.enabled"),
    "prePuller.continuous.serviceAccount": ACCOUNT,
    "prePuller.continuous.daemonsetAnnotations": _CONTROLLER,
    "prePuller.extraTolerations": _PULLERS,
    "prePuller.labels": _PULLERS,
    "prePuller.annotations": _PULLERS,
    "prePuller.resources": _CONTROLLER,
    "prePuller.containerSecurityContext": SAFE,
    "prePuller.revisionHistoryLimit": HISTORY,
    "prePuller.pullProfileListImages": not_needed("every image of hub.lab.images is brought to the nodes"),
    "prePuller.extraImages": by_hand("hub.lab.images", "what is on the menu is brought to the nodes, and nothing else"),
    "prePuller.pause": IMAGE,
}
CULL: Rows = {
    "cull": now("hub.culling"),
    "cull.enabled": now("hub.culling.idleTimeout", "`0s` turns it off"),
    "cull.timeout": now("hub.culling.idleTimeout"),
    "cull.maxAge": now("hub.culling.maxAge"),
    "cull.every": not_needed("how often the hub looks follows from hub.culling"),
    "cull.concurrency": not_needed("labs are stopped some at a time"),
    "cull.removeNamedServers": now("hub.culling.namedServers.remove"),
    "cull.users": none("people stay, with the user number that their files have"),
    "cull.adminUsers": by_hand("hub.culling.people", "name each whose labs have limits of their own"),
}
LABS: Rows = {**SINGLEUSER, **SCHEDULING, **PREPULLER, **CULL}
