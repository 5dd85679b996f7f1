"""Provisions a user namespace before each start of a lab, so that changes of the chart reach existing namespaces."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, NetworkingV1Api, RbacAuthorizationV1Api

from jldhub.labs.namespaces.manifests import (
    Manifest,
    Object,
    belongs_to_release,
    claim_again,
    contents,
    namespace_manifest,
    of_claim,
    outdated,
    release_owner,
    secret_copy,
    volume_copy,
)
from jldhub.labs.obstacle import Obstacle, missing
from jldhub.labs.pod import HOME
from jldhub.settings.names import MANAGED_BY, UserNamespaces
from jldhub.settings.settings import Settings

_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MANAGER = "jld-hub"
_log = logging.getLogger("jldhub.namespaces")


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
        role = await self._get(self._rbac.read_cluster_role(user_namespaces.owner))
        owner = release_owner(user_namespaces, role["metadata"]["uid"])
        homes, others = await self._claims(namespace, f"{names.volumes[HOME].claim}.")
        # A namespace is deleted with what is in it: one that holds a home stays when the release goes.
        owners = [] if homes else [owner]
        level = "baseline" if lab.provision_homes else "restricted"  # the init container of the home runs as root
        manifest = namespace_manifest(namespace, user_namespaces, owners, level)
        await self._request(self._core.patch_namespace(namespace, manifest, **_apply_options()))
        policy = await self._get(
            self._networks.read_namespaced_network_policy(user_namespaces.network_policy, names.namespace)
        )
        account = lab.pod.service_account.annotations
        manifests = contents(names.lab_service_account, names.object_labels, policy, lab.per_user, account, owner)
        for secret in dict.fromkeys((*names.image_pull_secrets, *lab.secrets)):
            manifests.append(await self._copied_secret(secret, names.namespace))
        for manifest in manifests:
            await self._request(self._applied(namespace, manifest))
        claims = {}
        for name, volume in settings.shared_volumes.items():
            source = await self._get(self._core.read_persistent_volume(user_namespaces.volumes[name]))
            copy, claim = volume_copy(volume.claim, source, existing, user_namespaces.labels)
            await self._bind(namespace, claim, copy)
            claims[name] = claim["metadata"]["name"]
        await self._remove_outdated(namespace, others, list(claims.values()))
        return claims

    async def _copied_secret(self, name: str, namespace: str) -> Manifest:
        """The copy of a Secret that the site names. Raises NamespaceUnusable where there is none, or where the hub may not read it."""
        try:
            return secret_copy(await self._get(self._core.read_namespaced_secret(name, namespace)))
        except ApiException as refused:
            if refused.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                raise
            raise NamespaceUnusable(missing("Secret", name)) from None

    async def _claims(self, namespace: str, prefix: str) -> tuple[list[Object], list[Object]]:
        """The claims that the hub made in a namespace: those of homes, whose names have this prefix, and the others."""
        selector = ",".join(f"{label}={value}" for label, value in MANAGED_BY.items())
        listed = self._core.list_namespaced_persistent_volume_claim(namespace, label_selector=selector)
        claims = (await self._get(listed))["items"]
        homes = [claim for claim in claims if claim["metadata"]["name"].startswith(prefix)]
        return homes, [claim for claim in claims if claim not in homes]

    def _applied(self, namespace: str, manifest: Manifest) -> Awaitable[Any]:
        patch = self._patches[manifest["kind"]]
        applied: Awaitable[Any] = patch(manifest["metadata"]["name"], namespace, manifest, **_apply_options())
        return applied

    async def _bind(self, namespace: str, manifest: Manifest, volume: Manifest) -> None:
        """Apply a claim and, unless it is bound, give it its volume, with its UID.

        Whether somebody deleted the claim or the volume: a volume that was bound waits for the claim with the UID that
        it recorded, and a claim that was bound for a volume that records its own.
        """
        claim = await self._get(self._applied(namespace, manifest))
        if claim["metadata"].get("deletionTimestamp"):
            sentence = (
                f"The claim {manifest['metadata']['name']} of your labs is being deleted. "
                "Stop your other labs, if any run, and try again in a minute."
            )
            raise NamespaceUnusable(Obstacle("volume", sentence, final=True))
        if claim["status"].get("phase") == "Bound":
            return
        volume = of_claim(volume, claim["metadata"]["uid"])
        try:
            await self._request(self._core.create_persistent_volume(volume))
        except ApiException as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            await self._claim_again(volume)

    async def _claim_again(self, volume: Manifest) -> None:
        """Raises NamespaceUnusable where the volume of that name is of another claim, which stays as it is."""
        name = volume["metadata"]["name"]
        patch = self._core.patch_persistent_volume(name, claim_again(volume), _content_type=_JSON_PATCH)
        try:
            await self._request(patch)
        except ApiException as refused:
            if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            sentence = f"The volume {name} is somebody else's. Tell an administrator of this site."
            raise NamespaceUnusable(Obstacle("volume", sentence, final=True)) from None

    async def _remove_outdated(self, namespace: str, claims: Sequence[Object], current: Sequence[str]) -> None:
        """Delete which of the claims earlier starts made for another source. No start fails for it: the next one tries again.

        Kubernetes keeps a claim while a pod uses it, and a volume while a claim is bound to it, so both requests may come
        at once, also while an older lab of the person runs.
        """
        try:
            for claim, volume in outdated(claims, namespace, current):
                # The volume first, for only the claim tells of it.
                await self._delete(self._core.delete_persistent_volume(volume))
                await self._delete(self._core.delete_namespaced_persistent_volume_claim(claim, namespace))
        except (ApiException, TimeoutError) as error:
            reason = getattr(error, "reason", "no answer in time")
            _log.warning("Claims that are not used any more stay in the namespace %s: %s", namespace, reason)

    async def _get(self, call: Any) -> Mapping[str, Any]:
        """The object as in the API's JSON, with camelCase keys."""
        document: Mapping[str, Any] = self._client.sanitize_for_serialization(await self._request(call))
        return document

    async def _delete(self, call: Any) -> None:
        """What is gone already is no error."""
        try:
            await self._request(call)
        except ApiException as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise

    async def _request(self, call: Any) -> Any:
        return await asyncio.wait_for(call, self._seconds)


def _apply_options() -> dict[str, Any]:
    """The options of a server-side apply."""
    return {"field_manager": _MANAGER, "force": True, "_content_type": _APPLY}
