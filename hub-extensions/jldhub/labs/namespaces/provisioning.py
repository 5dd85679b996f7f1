"""Provisions a user namespace before each start of a lab, so that changes of the chart reach existing namespaces."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, NetworkingV1Api, RbacAuthorizationV1Api

from jldhub.labs.namespaces.manifests import (
    Manifest,
    belongs_to_release,
    contents,
    namespace_manifest,
    pull_secret,
    volume_copy,
)
from jldhub.labs.obstacle import Obstacle
from jldhub.settings.names import UserNamespaces
from jldhub.settings.settings import Settings

_APPLY = "application/apply-patch+yaml"
_MANAGER = "jld-hub"


class NamespaceUnusable(Exception):
    """No lab can start in this namespace. `why` is the obstacle."""

    def __init__(self, why: Obstacle) -> None:
        super().__init__(why.sentence)
        self.why = why


class NamespaceProvisioner:
    """The requests to the Kubernetes API, each with a time-out of `seconds`. Raises ApiException and TimeoutError."""

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

    async def provision(self, namespace: str, settings: Settings, user_namespaces: UserNamespaces) -> dict[str, str]:
        """Apply the manifests of an existing namespace.

        Returns the names of its claims by volume. Raises NamespaceUnusable.
        """
        names, lab = settings.names, settings.hub.lab
        existing = await self._get(self._core.read_namespace(namespace))
        if not belongs_to_release(existing, user_namespaces):
            sentence = f"The namespace {namespace} is somebody else's. Tell an administrator of this site."
            raise NamespaceUnusable(Obstacle("namespace", sentence, final=True))
        if existing["status"].get("phase") == "Terminating":
            sentence = "The place of your labs is being taken away. Try again in a minute."
            raise NamespaceUnusable(Obstacle("namespace", sentence, final=True))
        owner = await self._get(self._rbac.read_cluster_role(user_namespaces.owner))
        level = "baseline" if lab.provision_homes else "restricted"  # the init container of the home runs as root
        manifest = namespace_manifest(namespace, user_namespaces, owner["metadata"]["uid"], level)
        await self._request(self._core.patch_namespace(namespace, manifest, **_apply_options()))
        policy = await self._get(
            self._networks.read_namespaced_network_policy(user_namespaces.network_policy, names.namespace)
        )
        manifests = contents(names.lab_service_account, names.object_labels, policy, lab.per_user)
        for secret in names.image_pull_secrets:
            manifests.append(pull_secret(await self._get(self._core.read_namespaced_secret(secret, names.namespace))))
        claims = {}
        for name, volume in names.volumes.items():
            source = await self._get(self._core.read_persistent_volume(user_namespaces.volumes[name]))
            copy, claim = volume_copy(volume.claim, source, existing, user_namespaces.labels)
            await self._create_volume(copy)
            manifests.append(claim)
            claims[name] = claim["metadata"]["name"]
        for manifest in manifests:
            await self._apply(namespace, manifest)
        return claims

    async def _apply(self, namespace: str, manifest: Manifest) -> None:
        patch = self._patches[manifest["kind"]]
        await self._request(patch(manifest["metadata"]["name"], namespace, manifest, **_apply_options()))

    async def _create_volume(self, manifest: Manifest) -> None:
        """A conflict is no error: the name contains a digest of the content, so that the existing volume is equal."""
        try:
            await self._request(self._core.create_persistent_volume(manifest))
        except ApiException as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    async def _get(self, call: Any) -> Mapping[str, Any]:
        """The object as in the API's JSON, with camelCase keys."""
        document: Mapping[str, Any] = self._client.sanitize_for_serialization(await self._request(call))
        return document

    async def _request(self, call: Any) -> Any:
        return await asyncio.wait_for(call, self._seconds)


def _apply_options() -> dict[str, Any]:
    """The options of a server-side apply."""
    return {"field_manager": _MANAGER, "force": True, "_content_type": _APPLY}
