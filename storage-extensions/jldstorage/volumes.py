"""What has to be done to a PersistentVolume so that it shows where the file server is now, as data.

A volume's source cannot be changed after it was made, and a volume remembers its claim by uid: these two are what an
address that changed, a restored backup and a deleted claim run into.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Manifest = Mapping[str, Any]


class Step(Enum):
    """What is done to one volume."""

    unchanged = "is as it should be"
    create = "made"
    change = "changed"
    replace = "replaced"


@dataclass(frozen=True)
class Action:
    """One step: `body` is the manifest to make, or the JSON merge patch of a change."""

    name: str
    step: Step
    body: dict[str, Any] = field(default_factory=dict)


def address_of(volume: Manifest) -> str | None:
    """The server that a volume shows, or None when it is no NFS volume."""
    server = volume.get("spec", {}).get("nfs", {}).get("server")
    return str(server) if server else None


def action(wanted: Manifest, found: Manifest | None, claim_uid: str | None, address: str) -> Action:
    """What makes `found` the `wanted` volume at `address`; `claim_uid` is of the claim that exists now, if one does."""
    manifest = _at(wanted, address)
    name = manifest["metadata"]["name"]
    if found is None:
        return Action(name, Step.create, _bound_to(manifest, claim_uid))
    if dict(found["spec"].get("nfs") or {}) != manifest["spec"]["nfs"]:
        return Action(name, Step.replace, _bound_to(manifest, claim_uid))
    patch = _differences(manifest["spec"], found["spec"])
    remembered = (found["spec"].get("claimRef") or {}).get("uid")
    if remembered and remembered != claim_uid:
        # The claim was deleted. Without the uid the volume is there for a new claim of the same name.
        patch["claimRef"] = {"uid": None, "resourceVersion": None}
    return Action(name, Step.change, {"spec": patch}) if patch else Action(name, Step.unchanged)


def _at(volume: Manifest, address: str) -> dict[str, Any]:
    manifest = deepcopy(dict(volume))
    manifest["spec"]["nfs"] = {"readOnly": False, **manifest["spec"]["nfs"], "server": address}
    return manifest


def _bound_to(manifest: dict[str, Any], claim_uid: str | None) -> dict[str, Any]:
    """A claim that lost its volume takes one back only when that volume names it by its uid."""
    if claim_uid:
        manifest["spec"]["claimRef"]["uid"] = claim_uid
    return manifest


def _differences(wanted: Manifest, found: Manifest) -> dict[str, Any]:
    return {key: wanted[key] for key in ("capacity", "mountOptions") if key in wanted and wanted[key] != found.get(key)}
