"""Reconciles the file server's Service and its PersistentVolumes: both must have the same cluster IP.

Kubelets mount NFS volumes by IP address, because nodes do not resolve the cluster's DNS names. Kubernetes assigns the
cluster IP when the Service is created, and the volumes record it in `nfs.server`. A deleted Service is recreated with the
recorded address, so that mounted volumes continue to work without a restart of their pods.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from jldstorage.volumes import (
    Action,
    Manifest,
    Step,
    action,
    address_of,
    require_own,
    require_served,
    require_volume,
)


class AddressRejected(Exception):
    """The API server rejects this cluster IP: another Service has it, or it is outside of the Service range."""


class ServiceAndVolumes(Protocol):
    """The requests for the file server's Service, and for volumes and their claims."""

    async def service_address(self) -> str | None: ...
    async def make_service(self, manifest: Manifest, address: str | None) -> str: ...
    async def delete_service(self) -> None: ...
    async def volume(self, name: str) -> Manifest | None: ...
    async def claim(self, name: str) -> Manifest | None: ...
    async def create_volume(self, manifest: Manifest) -> None: ...
    async def change_volume(self, name: str, patch: Mapping[str, Any]) -> None: ...
    async def delete_volume(self, name: str) -> None: ...


async def reconcile(cluster: ServiceAndVolumes, service: Manifest, volumes: Sequence[Manifest]) -> list[str]:
    """Create or change the Service and the volumes as needed. Returns a report: one sentence for each object.

    `service` is its manifest without an address, `volumes` are manifests with an empty `nfs.server`. Raises VolumeRefused
    before anything is touched.
    """
    existing = {name: await cluster.volume(name) for name in (volume["metadata"]["name"] for volume in volumes)}
    claims = {name: await cluster.claim(name) for name in (volume["spec"]["claimRef"]["name"] for volume in volumes)}
    for volume in volumes:
        if there := existing[volume["metadata"]["name"]]:
            require_own(volume, there)
            require_served(volume, there)
        if claim := claims[volume["spec"]["claimRef"]["name"]]:
            require_volume(volume, claim)
    recorded = {address for volume in existing.values() if volume and (address := address_of(volume))}
    address, report = await _reconcile_service(cluster, service, sorted(recorded))
    for volume in volumes:
        claim = claims[volume["spec"]["claimRef"]["name"]]
        uid = str(claim["metadata"]["uid"]) if claim else None
        chosen = action(volume, existing[volume["metadata"]["name"]], uid, address)
        await _apply(cluster, chosen)
        report.append(f"volume {chosen.name}: {chosen.step.value}")
    return report


async def _reconcile_service(
    cluster: ServiceAndVolumes, manifest: Manifest, recorded: Sequence[str]
) -> tuple[str, list[str]]:
    """The Service's address and the report. `recorded` are the addresses in existing volumes."""
    current = await cluster.service_address()
    if current and (not recorded or current in recorded):
        return current, [f"the file server is at {current}"]
    if current:
        await cluster.delete_service()
    report = []
    for address in recorded:
        try:
            assigned = await cluster.make_service(manifest, address)
        except AddressRejected as reason:
            report.append(f"the address that the volumes show, {address}, cannot be had again: {reason}")
        else:
            return assigned, [*report, f"the file server has its address {assigned} again"]
    assigned = await cluster.make_service(manifest, None)
    if recorded:
        moved = (
            f"the file server is at {assigned} now. What runs with its volumes mounted waits for {' and '.join(recorded)} without "
            "end: stop and start all labs, and restart the Deployments keepalive and firefly where they are. Pods that then hang: "
            'docs/storage.md, "Pods that hang on a dead mount"'
        )
        return assigned, [*report, moved]
    return assigned, [f"the file server got the address {assigned}"]


async def _apply(cluster: ServiceAndVolumes, chosen: Action) -> None:
    if chosen.step is Step.replace:
        await cluster.delete_volume(chosen.name)
    if chosen.step in (Step.create, Step.replace):
        await cluster.create_volume(chosen.body)
    elif chosen.step is Step.change:
        await cluster.change_volume(chosen.name, chosen.body)
