"""Gives the file server the address that its volumes show, and makes the volumes that are missing.

Kubelets mount volumes by the server's address, for they do not know the cluster's names. The address is the Service's,
which nobody knows before the Service is there; the volumes remember it. So an address is asked for once, and from then on
a Service that was deleted gets the old one back: what is mounted goes on without a restart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from jldstorage.volumes import Action, Manifest, Step, action, address_of


class AddressRejected(Exception):
    """The cluster does not give out this address: another Service has it, or it lies in no range of this cluster."""


class Cluster(Protocol):
    """What is asked of a cluster."""

    async def service_address(self) -> str | None: ...
    async def make_service(self, manifest: Manifest, address: str | None) -> str: ...
    async def delete_service(self) -> None: ...
    async def volume(self, name: str) -> Manifest | None: ...
    async def claim_uid(self, name: str) -> str | None: ...
    async def create_volume(self, manifest: Manifest) -> None: ...
    async def change_volume(self, name: str, patch: Mapping[str, Any]) -> None: ...
    async def delete_volume(self, name: str) -> None: ...


async def reconcile(cluster: Cluster, service: Manifest, volumes: Sequence[Manifest]) -> list[str]:
    """Bring Service and volumes together. What was done, a sentence each."""
    found = {name: await cluster.volume(name) for name in (volume["metadata"]["name"] for volume in volumes)}
    remembered = {address for volume in found.values() if volume and (address := address_of(volume))}
    address, said = await _reconcile_service(cluster, service, sorted(remembered))
    for volume in volumes:
        claim = await cluster.claim_uid(volume["spec"]["claimRef"]["name"])
        chosen = action(volume, found[volume["metadata"]["name"]], claim, address)
        await _do(cluster, chosen)
        said.append(f"volume {chosen.name}: {chosen.step.value}")
    return said


async def _reconcile_service(cluster: Cluster, manifest: Manifest, remembered: Sequence[str]) -> tuple[str, list[str]]:
    present = await cluster.service_address()
    if present and (not remembered or present in remembered):
        return present, [f"the file server is at {present}"]
    if present:
        await cluster.delete_service()
    said = []
    for address in remembered:
        try:
            given = await cluster.make_service(manifest, address)
        except AddressRejected as reason:
            said.append(f"the address that the volumes show, {address}, cannot be had again: {reason}")
        else:
            return given, [*said, f"the file server has its address {given} again"]
    given = await cluster.make_service(manifest, None)
    if remembered:
        return given, [*said, f"the file server is at {given} now; labs that run must be started again"]
    return given, [f"the file server got the address {given}"]


async def _do(cluster: Cluster, chosen: Action) -> None:
    if chosen.step is Step.replace:
        await cluster.delete_volume(chosen.name)
    if chosen.step in (Step.create, Step.replace):
        await cluster.create_volume(chosen.body)
    elif chosen.step is Step.change:
        await cluster.change_volume(chosen.name, chosen.body)
