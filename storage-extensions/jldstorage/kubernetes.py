"""The Kubernetes API, for the storage's hooks. Knows requests, decides nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, ApiException, AppsV1Api, CoreV1Api
from kubernetes_asyncio.client.configuration import Configuration

from jldstorage.address import AddressRejected
from jldstorage.drain import Pod
from jldstorage.volumes import Manifest

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
# Helm takes the Service over after the hook made it. With Helm's own name as manager of its fields, Helm may change them.
MANAGER = "helm"


@asynccontextmanager
async def connect(namespace: str, service: str, user_namespaces: Mapping[str, str]) -> AsyncIterator["Kubernetes"]:
    """Inside a pod, with its ServiceAccount."""
    configuration = Configuration()
    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    async with ApiClient(configuration) as client:
        yield Kubernetes(client, namespace, service, user_namespaces)


class Kubernetes:
    """One namespace, those of people, and the volumes of the cluster."""

    def __init__(
        self, client: ApiClient, namespace: str, service: str, user_namespaces: Mapping[str, str] | None = None
    ) -> None:
        self._client = client
        # The library's types do not know its own `_content_type`, nor that a body may be a mapping.
        self._core: Any = CoreV1Api(client)
        self._apps: Any = AppsV1Api(client)
        self._namespace = namespace
        self._service = service
        self._people = ",".join(f"{label}={value}" for label, value in (user_namespaces or {}).items())

    async def service_address(self) -> str | None:
        found = await self._or_none(self._core.read_namespaced_service(self._service, self._namespace))
        return str(found["spec"]["clusterIP"]) if found else None

    async def make_service(self, manifest: Manifest, address: str | None) -> str:
        spec = {**manifest["spec"], **({"clusterIP": address} if address else {})}
        try:
            made = await self._core.patch_namespaced_service(
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
        return str(made.spec.cluster_ip)

    async def delete_service(self) -> None:
        await self._core.delete_namespaced_service(self._service, self._namespace)

    async def volume(self, name: str) -> Manifest | None:
        return await self._or_none(self._core.read_persistent_volume(name))

    async def claim_uid(self, name: str) -> str | None:
        found = await self._or_none(self._core.read_namespaced_persistent_volume_claim(name, self._namespace))
        return str(found["metadata"]["uid"]) if found else None

    async def create_volume(self, manifest: Manifest) -> None:
        await self._core.create_persistent_volume(dict(manifest))

    async def change_volume(self, name: str, patch: Mapping[str, Any]) -> None:
        await self._core.patch_persistent_volume(name, dict(patch), _content_type=MERGE)

    async def delete_volume(self, name: str) -> None:
        """Also of a claim that is bound, which Kubernetes protects by a finalizer: the data is the server's, not the volume's."""
        await self._core.delete_persistent_volume(name)
        patch = {"metadata": {"finalizers": None}}
        await self._or_none(self._core.patch_persistent_volume(name, patch, _content_type=MERGE))

    async def stop(self, deployment: str) -> bool:
        """False when there is no such Deployment."""
        scale = {"spec": {"replicas": 0}}
        call = self._apps.patch_namespaced_deployment_scale(deployment, self._namespace, scale, _content_type=MERGE)
        return await self._or_none(call) is not None

    async def pods(self, selector: str) -> list[Pod]:
        """Here, and in the namespaces of people."""
        places = [self._namespace]
        if self._people:
            found = await self._core.list_namespace(label_selector=self._people)
            places += [str(each.metadata.name) for each in found.items]
        return [
            Pod(place, str(pod.metadata.name))
            for place in places
            for pod in (await self._core.list_namespaced_pod(place, label_selector=selector)).items
        ]

    async def delete_pod(self, pod: Pod) -> None:
        await self._or_none(self._core.delete_namespaced_pod(pod.name, pod.namespace))

    async def _or_none(self, call: Any) -> dict[str, Any] | None:
        """The answer with the API's own key names, or None where there is no such object."""
        try:
            found = await call
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return dict(self._client.sanitize_for_serialization(found))


def _message(error: ApiException) -> str:
    text = str(error.body or error.reason)
    return text.partition('"message":"')[2].partition('","')[0] or text[:300]
