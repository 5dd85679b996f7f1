"""What the chart's own file server takes, which refuses the rest only after the old one has ended, and how nodes may mount."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from jld.rules.rule import Rule, Violations
from jld.site.effective import has_own_homes, shared_volumes, storage_volumes
from jld.support.key_paths import JsonMap, list_at, value_at
from jld.support.mount_options import Option, parsed, versions

MOST_EXPORTS = 32  # as images/nfs-server/nfs_settings.py; a test compares them


def served_volumes(effective: JsonMap) -> list[str]:
    """The volumes that the chart's own file server exports."""
    if value_at(effective, "storage", "mode") != "nfs":
        return []
    return [name for name, volume in shared_volumes(effective).items() if not volume.get("existingClaim")]


def export_number(name: str) -> int:
    """The number that the file server gives to a volume. File handles contain it."""
    return zlib.crc32(name.encode()) % 65_534 + 1


def the_file_server_takes_its_volumes(effective: JsonMap) -> Violations:
    """With `storage.mode: nfs`, 1 to 32 of `storage.volumes` have no `existingClaim` (with `storage.homes: perPerson`, besides `home`), and the names of no two of them give the same export number."""
    served = served_volumes(effective)
    if value_at(effective, "storage", "mode") == "nfs" and storage_volumes(effective) and not served:
        sentence = (
            "every volume has an existingClaim, and a file server without volumes does not start; write storage.mode "
            "claim, or remove the existingClaim of a volume that the file server shall hold"
        )
        if has_own_homes(effective):
            sentence = (
                "with storage.homes perPerson the file server would hold nothing, and does not start; remove it, or add to "
                "storage.volumes what labs shall share"
            )
        yield ("storage", "mode"), sentence
    if len(served) > MOST_EXPORTS:
        sentence = f"{len(served)} are on the file server, which takes {MOST_EXPORTS}; put folders into fewer volumes"
        yield ("storage", "volumes"), sentence
    by_number: dict[int, str] = {}
    for name in sorted(served):
        other = by_number.setdefault(export_number(name), name)
        if other != name:
            sentence = f"the file server would give {name} and {other} the same number; write another name"
            yield ("storage", "volumes", name), sentence


# (what it sets, value): why nobody mounts homes so.
_NEVER = {
    **{
        ("recovery", value): "gives up on a server that is away for a while, and what was written is lost; write hard"
        for value in ("soft", "softerr")
    },
    ("softreval", "yes"): "shows files as they were while the server is away, as if they were still so; remove it",
    ("waiting", "bg"): (
        "lets a lab start before the files are mounted, so that its home is written to the node and lost; remove it"
    ),
    ("access", "ro"): "holds for every volume, so that no home could be written; write readOnly: true at a volume",
}
_ACCEPTED: dict[
    str, dict[str, tuple[Sequence[str], str]]
] = {  # by mode, and by what an option sets: the values, and why no other
    "nfs": {
        "version": (
            ("4.1", "4.2"),
            "is not exactly NFS 4.1 or 4.2, and the file server speaks nothing else; write nfsvers=4.2",
        ),
        "proto": (("tcp", "tcp6"), "is no way to the file server, which speaks TCP only; write proto=tcp"),
        "port": (("2049",), "is no way to the file server, which listens on port 2049; remove it"),
        "sec": (("sys",), "is unknown to the file server, which takes sec=sys only; remove it"),
    },
    "external": {
        "version": (
            ("3", "4", "4.0", "4.1", "4.2"),
            "is no version of NFS that Linux mounts; write nfsvers=4.2, or what your server speaks",
        ),
    },
}
_LOCAL_LOCKS = {("lock", "no"), *(("local_lock", value) for value in ("all", "flock", "posix"))}


def mount_options_fit_the_server(effective: JsonMap) -> Violations:
    """No option of `storage.nfs.mountOptions` or `storage.external.mountOptions` loses what was written, contradicts another one, or asks for what the server does not speak."""
    mode, options = _mount_options(effective)
    asked = versions(options)
    seen: dict[str, str] = {}
    for index, option in enumerate(options):
        sets, value = ("version", asked[index]) if index in asked else (option.sets, option.value)
        contradicts = seen.setdefault(sets, value) != value
        accepted, why_not = _ACCEPTED[mode].get(sets, ((value,), ""))
        if (sets, value) in _NEVER:
            sentence = _NEVER[sets, value]
        elif value not in accepted:
            sentence = why_not
        elif (sets, value) in _LOCAL_LOCKS and (mode == "nfs" or (asked and "3" not in asked.values())):
            sentence = "is for NFS 3; in NFS 4 the server keeps the locks, so remove it"
        elif contradicts:
            sentence = "contradicts another option of the list; remove one of the two"
        else:
            continue
        yield ("storage", mode, "mountOptions", index), f"{option.text} {sentence}"


def mount_options_of_a_volume_fit(effective: JsonMap) -> Violations:
    """`mountOptions` of a volume contradict neither each other nor those of the mode, and `nocto` stands only where labs cannot write (`readOnly: true`)."""
    mode, options = _mount_options(effective)
    of_the_mode = {option.sets: option for option in options}
    for name, volume in shared_volumes(effective).items() if mode else ():
        seen = dict(of_the_mode)
        for index, option in enumerate(_parsed(list_at(volume, "mountOptions"))):
            other = seen.setdefault(option.sets, option)
            if other.value != option.value:
                sentence = f"contradicts {other.text}; remove one of the two"
            elif option.text == "nocto" and not volume.get("readOnly"):
                sentence = (
                    "lets a lab go on with an old file after another one has saved it, and write over it; "
                    f"write storage.volumes.{name}.readOnly: true, or remove it"
                )
            else:
                continue
            yield ("storage", "volumes", name, "mountOptions", index), f"{option.text} {sentence}"


def nfs_3_locks_locally(effective: JsonMap) -> Violations:
    mode, options = _mount_options(effective)
    local = {("lock", "no"), ("local_lock", "all")} & {(option.sets, option.value) for option in options}
    if mode == "external" and "3" in versions(options).values() and not local:
        sentence = "with NFS 3 a notebook hangs as soon as it locks a file; write local_lock=all too"
        yield ("storage", mode, "mountOptions"), sentence


def _mount_options(effective: JsonMap) -> tuple[str, Sequence[Option]]:
    """The mode and its options; none in a mode that does not mount NFS."""
    mode = value_at(effective, "storage", "mode")
    if mode not in ("nfs", "external"):
        return "", ()
    return mode, _parsed(list_at(effective, "storage", mode, "mountOptions"))


def _parsed(options: Sequence[object]) -> Sequence[Option]:
    return [parsed(option if isinstance(option, str) else "") for option in options]


def nobody_else_reaches_the_homes(effective: JsonMap) -> Violations:
    by_cilium = value_at(effective, "storage", "nfs", "networkPolicy") == "cilium"  # which lets nodes in and no pod
    named = list_at(effective, "storage", "nfs", "clients")
    if value_at(effective, "storage", "mode") == "nfs" and not named and not by_cilium:
        sentence = (
            "storage.nfs.clients names nobody, so every pod of the cluster that may send packets to the file server can "
            "act as root on all homes; write the networks of your nodes there, which `jld doctor` proposes"
        )
        yield ("storage", "mode"), sentence


RULES: tuple[Rule, ...] = (
    the_file_server_takes_its_volumes,
    mount_options_fit_the_server,
    mount_options_of_a_volume_fit,
)
WARNINGS: tuple[Rule, ...] = (nfs_3_locks_locally, nobody_else_reaches_the_homes)
