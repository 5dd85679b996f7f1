"""A client of the Kubernetes API for the storage's hooks. It decides nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, ApiException, AppsV1Api, CoreV1Api
from kubernetes_asyncio.client.configuration import Configuration

from jldstorage.address import AddressRejected
from jldstorage.drain import Pod
from jldstorage.settings import Settings
from jldstorage.volumes import Manifest

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
# Helm adopts the Service that the hook created. With Helm's own name as field manager, Helm may change its fields.
MANAGER = "helm"


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator["Kubernetes"]:
    """A client inside a pod, with the pod's ServiceAccount."""
    configuration = Configuration()
    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    async with ApiClient(configuration) as client:
        yield Kubernetes(client, settings)


class Kubernetes:
    """Requests in the release's namespace and in user namespaces, and for PersistentVolumes."""

    def __init__(self, client: ApiClient, settings: Settings) -> None:
        self._client = client
        # Any: the library's type hints lack the argument `_content_type`, and bodies that are mappings.
        self._core: Any = CoreV1Api(client)
        self._apps: Any = AppsV1Api(client)
        self._namespace = settings.namespace
        self._service = str(settings.service["metadata"]["name"])
        self._report = settings.report
        self._user_namespaces = ",".join(f"{label}={value}" for label, value in settings.user_namespaces.items())

    async def service_address(self) -> str | None:
        """The Service's cluster IP. None where there is no Service."""
        service = await self._or_none(self._core.read_namespaced_service(self._service, self._namespace))
        return str(service["spec"]["clusterIP"]) if service else None

    async def make_service(self, manifest: Manifest, address: str | None) -> str:
        """Apply the Service, with the cluster IP `address` if there is one.

        Returns its cluster IP. Raises AddressRejected.
        """
        spec = {**manifest["spec"], **({"clusterIP": address} if address else {})}
        try:
            service = await self._core.patch_namespaced_service(
                self._service,
                self._namespace,
                {**manifest, "spec": spec},
                field_manager=MANAGER,
                _content_type=APPLY,
            )
        except ApiException as error:
            if address and error.status == 422:
                raise AddressRejected(_message(error)) from error
            raise
        return str(service.spec.cluster_ip)

    async def delete_service(self) -> None:
        await self._core.delete_namespaced_service(self._service, self._namespace)

    async def volume(self, name: str) -> Manifest | None:
        return await self._or_none(self._core.read_persistent_volume(name))

    async def claim(self, name: str) -> Manifest | None:
        """A claim in the release's namespace. None where there is no such claim."""
        return await self._or_none(self._core.read_namespaced_persistent_volume_claim(name, self._namespace))

    async def create_volume(self, manifest: Manifest) -> None:
        await self._core.create_persistent_volume(dict(manifest))

    async def change_volume(self, name: str, patch: Mapping[str, Any]) -> None:
        await self._core.patch_persistent_volume(name, dict(patch), _content_type=MERGE)

    async def delete_volume(self, name: str) -> None:
        """Delete a volume, also a bound one, by removing its finalizer. The files are on the server and stay."""
        await self._core.delete_persistent_volume(name)
        patch = {"metadata": {"finalizers": None}}
        await self._or_none(self._core.patch_persistent_volume(name, patch, _content_type=MERGE))

    async def stop(self, deployment: str) -> bool:
        """Scale a Deployment to zero. False where there is no such Deployment."""
        scale = {"spec": {"replicas": 0}}
        call = self._apps.patch_namespaced_deployment_scale(deployment, self._namespace, scale, _content_type=MERGE)
        return await self._or_none(call) is not None

    async def pods(self, selector: str = "") -> list[Pod]:
        """The pods that match a label selector, or all, in the release's namespace and in user namespaces."""
        namespaces = [self._namespace]
        if self._user_namespaces:
            listed = await self._core.list_namespace(label_selector=self._user_namespaces)
            namespaces += [str(namespace.metadata.name) for namespace in listed.items]
        return [
            _pod(pod)
            for namespace in namespaces
            for pod in (await self._core.list_namespaced_pod(namespace, label_selector=selector)).items
        ]

    async def delete_pod(self, pod: Pod) -> None:
        await self._or_none(self._core.delete_namespaced_pod(pod.name, pod.namespace))

    async def keep_report(self, text: str) -> None:
        """Write the ConfigMap of what could not be stopped. No release owns it, so that it stays."""
        manifest = {**self._report, "data": {"report": text}}
        await self._core.patch_namespaced_config_map(
            self._report["metadata"]["name"],
            self._namespace,
            manifest,
            field_manager="jld-drain",
            force=True,
            _content_type=APPLY,
        )

    async def remove_report(self) -> None:
        """Delete the ConfigMap that an earlier uninstall left, if there is one."""
        await self._or_none(self._core.delete_namespaced_config_map(self._report["metadata"]["name"], self._namespace))

    async def _or_none(self, call: Any) -> dict[str, Any] | None:
        """The object as in the API's JSON, with camelCase keys. None where there is no such object."""
        try:
            response = await call
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return dict(self._client.sanitize_for_serialization(response))


def _pod(pod: Any) -> Pod:
    """What the drain asks about a pod of the API."""
    sources = (volume.persistent_volume_claim for volume in pod.spec.volumes or ())
    return Pod(
        str(pod.metadata.namespace),
        str(pod.metadata.name),
        node=pod.spec.node_name or "",
        claims=frozenset(str(source.claim_name) for source in sources if source),
        is_finished=pod.status.phase in ("Succeeded", "Failed"),
        is_being_deleted=pod.metadata.deletion_timestamp is not None,
    )


def _message(error: ApiException) -> str:
    """The message of the Status object in the response, else the start of the response."""
    text = str(error.body or error.reason)
    return text.partition('"message":"')[2].partition('","')[0] or text[:300]
