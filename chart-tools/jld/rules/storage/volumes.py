"""The volumes: their names and folders, and their keys that belong to one storage.mode only."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.site.effective import has_own_homes, shared_volumes, storage_volumes
from jld.support.key_paths import JsonMap, list_at, value_at

MODES = ("claim", "nfs", "external", "hostPath")
_ONLY_IN = {
    "server": ("external",),
    "path": ("external",),
    "directoryMode": ("nfs",),
    "mountOptions": ("nfs", "external"),
}
_OWN_CLAIMS = {"file-server": "the file server's disk", "hub-db": "the hub's database"}
_SYSTEM_FOLDERS = frozenset(
    ["bin", "boot", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var"]
)


def names_are_free(effective: JsonMap) -> Violations:
    """No volume of `storage.volumes` is called as a claim of the chart's own, or lies over the lab image's folders."""
    for name, volume in storage_volumes(effective).items():
        if name in _OWN_CLAIMS:
            yield (
                ("storage", "volumes", name),
                f"{name} is what the chart calls {_OWN_CLAIMS[name]}; write another name",
            )
        top = str(volume.get("mountPath", "")).split("/")[1:2]
        if top and top[0] in _SYSTEM_FOLDERS:
            sentence = f"would hide what a lab's image has in /{top[0]}; write a folder of its own, like /{name}"
            yield ("storage", "volumes", name, "mountPath"), sentence


def mount_paths_are_apart(effective: JsonMap) -> Violations:
    """No volume of `storage.volumes` lies in another one."""
    paths = {name: str(volume.get("mountPath", "")) for name, volume in storage_volumes(effective).items()}
    for name, path in paths.items():
        for other, above in paths.items():
            if name != other and above and (path == above or path.startswith(f"{above}/")):
                if path == above and name < other:
                    continue  # one sentence about two equal paths is enough: that at the second one
                what = "is" if path == above else "lies in"
                sentence = f"{path} {what} the folder of storage.volumes.{other}; write another one"
                yield ("storage", "volumes", name, "mountPath"), sentence


def backed_up_volumes_are_there(effective: JsonMap) -> Violations:
    """Each name of `storage.backup.volumes` is one of `storage.volumes`."""
    volumes = storage_volumes(effective)
    for index, name in enumerate(list_at(effective, "storage", "backup", "volumes")):
        if isinstance(name, str) and name not in volumes:
            sentence = f"there is no storage.volumes.{name}; write one of {', '.join(sorted(volumes))}"
            yield ("storage", "backup", "volumes", index), sentence


def homes_can_be_written(effective: JsonMap) -> Violations:
    """`storage.volumes.home` is not `readOnly`."""
    if value_at(shared_volumes(effective).get("home"), "readOnly") is True:
        yield ("storage", "volumes", "home", "readOnly"), "nobody could save anything, and no home be made; remove it"


def keys_of_volumes_are_used(effective: JsonMap) -> Violations:
    mode = value_at(effective, "storage", "mode")
    if mode not in MODES:
        return
    for name, volume in shared_volumes(effective).items():
        for key, needed in _ONLY_IN.items():
            if volume.get(key) and mode not in needed:
                yield ("storage", "volumes", name, key), f"has no effect with storage.mode {mode}; remove it"
        for key in ("capacity", *_ONLY_IN):
            if volume.get("existingClaim") and volume.get(key):
                yield ("storage", "volumes", name, key), "has no effect on a claim that exists; remove it"


def homes_of_their_own_need_no_more(effective: JsonMap) -> Violations:
    """What is said about a volume of all homes, where there is none."""
    if not has_own_homes(effective):
        return
    for key in ("capacity", *_ONLY_IN, "readOnly"):
        if storage_volumes(effective).get("home", {}).get(key):
            instead = "write storage.perPerson.capacity instead" if key == "capacity" else "remove it"
            yield ("storage", "volumes", "home", key), f"has no effect with storage.homes perPerson; {instead}"
    mode = value_at(effective, "storage", "mode")
    if mode != "nfs" and not shared_volumes(effective):
        why = "has no effect: with storage.homes perPerson and no other storage.volumes there is nothing to share; remove it"
        yield ("storage", "mode"), why
        yield ("storage", mode), why


def labs_of_a_person_find_one_node(effective: JsonMap) -> Violations:
    limit, access = (
        value_at(effective, "hub", "namedServers", "limit"),
        value_at(effective, "storage", "perPerson", "accessMode"),
    )
    if has_own_homes(effective) and limit and access == "ReadWriteOnce":
        sentence = (
            "with storage.homes perPerson a second lab of a person starts only on the node of the first, which the scheduler "
            "need not choose; write storage.perPerson.accessMode: ReadWriteMany, if the storage class has it, or remove it"
        )
        yield ("hub", "namedServers", "limit"), sentence


RULES: tuple[Rule, ...] = (names_are_free, mount_paths_are_apart, backed_up_volumes_are_there, homes_can_be_written)
WARNINGS: tuple[Rule, ...] = (
    keys_of_volumes_are_used,
    homes_of_their_own_need_no_more,
    labs_of_a_person_find_one_node,
)
