"""The action that makes an existing PersistentVolume match its manifest and the file server's address. Pure functions.

The source of a PersistentVolume is immutable, so a new address requires a new volume. A bound volume records the UID of
its claim, so a recreated claim is not bound to it again unless that UID is removed.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import Any

Manifest = Mapping[str, Any]

_MOVE = (
    "Nothing was changed: the file server has other files. Go back to the storage.mode of before, or move the files "
    'as docs/storage.md says under "Moving the files".'
)


class Step(Enum):
    """The kind of an action. The value is its text in the hook's report."""

    unchanged = "is as it should be"
    create = "made"
    change = "changed"
    replace = "replaced"


@dataclass(frozen=True)
class Action:
    """An action on one volume. `body` is the manifest to create, or the JSON merge patch of a change."""

    name: str
    step: Step
    body: dict[str, Any] = field(default_factory=dict)


def address_of(volume: Manifest) -> str | None:
    """The NFS server of a volume. None where it is no NFS volume."""
    server = volume.get("spec", {}).get("nfs", {}).get("server")
    return str(server) if server else None


class VolumeRefused(Exception):
    """What has the wanted name must not become the wanted volume. The message says why, and what to do."""


def require_own(wanted: Manifest, existing: Manifest) -> None:
    """Raise VolumeRefused where the volume that exists is of another claim than the one that is wanted."""
    claims = [volume["spec"].get("claimRef") or {} for volume in (wanted, existing)]
    own, recorded = ((claim.get("namespace"), claim.get("name")) for claim in claims)
    if recorded != own:
        whose = (
            "of no claim" if recorded == (None, None) else f"of the claim {recorded[1]} in the namespace {recorded[0]}"
        )
        raise VolumeRefused(
            f"the volume {wanted['metadata']['name']} is {whose}, and not of {own[1]} in {own[0]}: nothing was changed. "
            "Install under another release name, or, where that volume is not used any more, delete it (its files stay)."
        )


def require_served(wanted: Manifest, existing: Manifest) -> None:
    """Raise VolumeRefused where the volume that exists is no tree of the chart's file server: its files lie elsewhere."""
    spec = existing["spec"]
    there = spec.get("nfs") or {}
    if there.get("path") != wanted["spec"]["nfs"]["path"] or not _is_address(there.get("server")):
        source = {kind: spec[kind] for kind in ("nfs", "hostPath") if spec.get(kind)}
        name = wanted["metadata"]["name"]
        raise VolumeRefused(f"the volume {name} shows {source or 'another kind of storage'}. {_MOVE}")


def require_volume(wanted: Manifest, claim: Manifest) -> None:
    """Raise VolumeRefused where the claim is for another volume, to which it is bound for good."""
    name, own = claim["spec"].get("volumeName"), wanted["metadata"]["name"]
    if name != own:
        raise VolumeRefused(f"the claim {claim['metadata']['name']} is for the volume {name or 'of a class'}. {_MOVE}")


def _is_address(server: object) -> bool:
    try:
        ip_address(str(server))
    except ValueError:
        return False
    return True


def action(wanted: Manifest, existing: Manifest | None, claim_uid: str | None, address: str) -> Action:
    """The action that turns the volume `existing` into `wanted` with the server `address`.

    `claim_uid` is the UID of the claim that exists now, or None.
    """
    manifest = _with_server(wanted, address)
    name = manifest["metadata"]["name"]
    if existing is None:
        return Action(name, Step.create, _bound_to(manifest, claim_uid))
    if dict(existing["spec"].get("nfs") or {}) != manifest["spec"]["nfs"]:
        return Action(name, Step.replace, _bound_to(manifest, claim_uid))
    patch: dict[str, Any] = {}
    if metadata := _lacking(manifest["metadata"], existing["metadata"]):
        patch["metadata"] = metadata
    spec = _differences(manifest["spec"], existing["spec"])
    recorded = (existing["spec"].get("claimRef") or {}).get("uid")
    if recorded and recorded != claim_uid:
        # The claim was deleted. Without the UID, a new claim of the same name can be bound.
        spec["claimRef"] = {"uid": None, "resourceVersion": None}
    if spec:
        patch["spec"] = spec
    return Action(name, Step.change, patch) if patch else Action(name, Step.unchanged)


def _lacking(wanted: Manifest, existing: Manifest) -> dict[str, Any]:
    """Labels and annotations that an existing volume lacks. By both Helm knows whose it is; it adopts no other one."""
    kinds = ("labels", "annotations")
    return {
        kind: wanted[kind] for kind in kinds if not wanted.get(kind, {}).items() <= (existing.get(kind) or {}).items()
    }


def _with_server(volume: Manifest, address: str) -> dict[str, Any]:
    manifest = deepcopy(dict(volume))
    manifest["spec"]["nfs"] = {"readOnly": False, **manifest["spec"]["nfs"], "server": address}
    return manifest


def _bound_to(manifest: dict[str, Any], claim_uid: str | None) -> dict[str, Any]:
    """With the UID of the claim: a claim in phase Lost is bound again only to a volume that names its UID."""
    if claim_uid:
        manifest["spec"]["claimRef"]["uid"] = claim_uid
    return manifest


def _differences(wanted: Manifest, existing: Manifest) -> dict[str, Any]:
    """The mutable fields of the spec that differ."""
    mutable = ("capacity", "mountOptions")
    return {key: wanted[key] for key in mutable if key in wanted and wanted[key] != existing.get(key)}
