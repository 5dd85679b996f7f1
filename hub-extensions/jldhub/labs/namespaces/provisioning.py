"""Makes a person's namespace ready for a lab, each time that one starts: what changed in the chart since then reaches it."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, NetworkingV1Api, RbacAuthorizationV1Api

from jldhub.labs.namespaces.manifests import Manifest, contents, is_ours, owned, pull_secret, volume_copy
from jldhub.labs.obstacle import Obstacle
from jldhub.settings.names import UserNamespaces
from jldhub.settings.settings import Settings

_APPLY = "application/apply-patch+yaml"
_MANAGER = "jld-hub"


class NamespaceUnusable(Exception):
    """No lab can be started there, and why."""

    def __init__(self, why: Obstacle) -> None:
        super().__init__(why.sentence)
        self.why = why


class NamespaceProvisioner:
    """The requests; each ends after `seconds`. Raises ApiException and TimeoutError as they come."""

    def __init__(self, client: ApiClient, seconds: float) -> None:
        self._client, self._seconds = client, seconds
        self._core: Any = CoreV1Api(client)
        self._rbac: Any = RbacAuthorizationV1Api(client)
        self._networks: Any = NetworkingV1Api(client)
        self._patches: dict[str, Callable[..., Any]] = {
            "ServiceAccount": self._core.patch_namespaced_service_account,
            "NetworkPolicy": self._networks.patch_namespaced_network_policy,
            "ResourceQuota": self._core.patch_namespaced_resource_quota,
            "LimitRange": self._core.patch_namespaced_limit_range,
            "PersistentVolumeClaim": self._core.patch_namespaced_persistent_volume_claim,
            "Secret": self._core.patch_namespaced_secret,
        }

    async def provision(self, namespace: str, settings: Settings, people: UserNamespaces) -> dict[str, str]:
        """The claims in `namespace`, which is there, by their volumes. Raises NamespaceUnusable."""
        names, lab = settings.names, settings.hub.lab
        found = await self._get(self._core.read_namespace(namespace))
        if not is_ours(found, people):
            sentence = f"The namespace {namespace} is somebody else's. Tell an administrator of this site."
            raise NamespaceUnusable(Obstacle("namespace", sentence, final=True))
        if found["status"].get("phase") == "Terminating":
            sentence = "The place of your labs is being taken away. Try again in a minute."
            raise NamespaceUnusable(Obstacle("namespace", sentence, final=True))
        owner = await self._get(self._rbac.read_cluster_role(people.owner))
        level = "baseline" if lab.provision_homes else "restricted"  # the maker of homes is root
        own = owned(namespace, people, owner["metadata"]["uid"], level)
        await self._ask(self._core.patch_namespace(namespace, own, **_applying()))
        policy = await self._get(self._networks.read_namespaced_network_policy(people.network_policy, names.namespace))
        made = contents(names.lab_service_account, names.lab_labels, policy, lab.per_user)
        for secret in names.image_pull_secrets:
            made.append(pull_secret(await self._get(self._core.read_namespaced_secret(secret, names.namespace))))
        claims = {}
        for name, volume in names.volumes.items():
            source = await self._get(self._core.read_persistent_volume(people.volumes[name]))
            copy, claim = volume_copy(volume.claim, source, found, people.labels)
            await self._create_volume(copy)
            made.append(claim)
            claims[name] = claim["metadata"]["name"]
        for manifest in made:
            await self._apply(namespace, manifest)
        return claims

    async def _apply(self, namespace: str, manifest: Manifest) -> None:
        patch = self._patches[manifest["kind"]]
        await self._ask(patch(manifest["metadata"]["name"], namespace, manifest, **_applying()))

    async def _create_volume(self, manifest: Manifest) -> None:
        """One of the same name is the same: the name says what it is made of."""
        try:
            await self._ask(self._core.create_persistent_volume(manifest))
        except ApiException as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    async def _get(self, call: Any) -> Mapping[str, Any]:
        """With the API's own names of keys."""
        found: Mapping[str, Any] = self._client.sanitize_for_serialization(await self._ask(call))
        return found

    async def _ask(self, call: Any) -> Any:
        return await asyncio.wait_for(call, self._seconds)


def _applying() -> dict[str, Any]:
    return {"field_manager": _MANAGER, "force": True, "_content_type": _APPLY}
