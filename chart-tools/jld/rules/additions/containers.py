"""`initContainers`, `containers` and `lifecycle` of the pods of the hub and of labs, in Kubernetes' own words."""

from __future__ import annotations

from jld.rules.additions.named import by_additions, containers, references
from jld.rules.additions.parts import LABS, PARTS
from jld.rules.rule import Rule, Violations
from jld.rules.traits import pod_types
from jld.support.key_paths import JsonMap, list_at, map_at, value_at


def containers_are_kubernetes_own(effective: JsonMap) -> Violations:
    """`initContainers`, `containers` and `lifecycle` of `hub.pod` and `hub.lab.pod` are such as Kubernetes takes."""
    for part in PARTS:
        for path, container in containers(part, effective):
            # What the schema says of these two, it says in better words.
            rest = {key: value for key, value in container.items() if key not in ("name", "image")}
            yield from pod_types.violations("V1Container", {"name": "x", **rest}, path)
        lifecycle = map_at(effective, *part.path, "pod", "lifecycle")
        if all(isinstance(each, dict) for each in lifecycle.values()):
            yield from pod_types.violations("V1Lifecycle", lifecycle, (*part.path, "pod", "lifecycle"))


def containers_have_names_of_their_own(effective: JsonMap) -> Violations:
    """No two containers of a pod have one name, and none that of JLD's own."""
    for part in PARTS:
        taken = set(part.containers)
        for path, container in containers(part, effective):
            name = container.get("name")
            if isinstance(name, str) and name in taken:
                whose = "of JLD's own" if name in part.containers else "an earlier one"
                yield (*path, "name"), f"{name} is a container {whose}; write another name"
            taken.add(str(name))


def containers_mount_what_is_there(effective: JsonMap) -> Violations:
    """What containers of `hub.pod` and `hub.lab.pod` mount is one of `hub.volumes` or `hub.lab.volumes`."""
    for part in PARTS:
        volumes = map_at(effective, *part.path, "volumes")
        where = ".".join((*map(str, part.path), "volumes"))
        for path, container in containers(part, effective):
            for index, mount in enumerate(list_at(container, "volumeMounts")):
                name = value_at(mount, "name")
                if isinstance(name, str) and name not in volumes:
                    there = f"write one of {', '.join(volumes)}" if volumes else "write it there first"
                    yield (*path, "volumeMounts", index, "name"), f"there is no {where}.{name}; {there}"


def objects_are_in_namespaces_of_people(effective: JsonMap) -> Violations:
    """With `global.userNamespaces`, containers of `hub.lab.pod` name only Secrets that `environment`, `files` or `volumes` of `hub.lab` name too."""
    if value_at(effective, "global", "userNamespaces") is not True:
        return
    copied = {each.name for each in by_additions(LABS, effective) if each.kind == "Secret"}
    for path, container in containers(LABS, effective):
        for at, each in references(container):
            if each.kind == "ConfigMap":
                yield (
                    (*path, *at),
                    "a ConfigMap belongs to one namespace, and labs run in others; write the values here",
                )
            elif each.name not in copied:
                sentence = "the hub copies only Secrets that hub.lab.environment, files or volumes name"
                yield (*path, *at), f"{sentence}; name {each.name} there too"


RULES: tuple[Rule, ...] = (
    *(containers_are_kubernetes_own, containers_have_names_of_their_own),
    *(containers_mount_what_is_there, objects_are_in_namespaces_of_people),
)
WARNINGS: tuple[Rule, ...] = ()
