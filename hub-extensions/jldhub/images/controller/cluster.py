"""What the prepuller does in the cluster: it makes and deletes pods, and tells events."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jldhub.images.controller.api import Api
from jldhub.images.prepuller.warnings import SiteWarning

NODES = "/api/v1/nodes"
log = logging.getLogger("jldhub.images")
_COMPONENT = "jld-prepuller"  # who tells an event
_LONGEST_MESSAGE = 1024  # of an event


class PodRefused(Exception):
    """The cluster takes no such pod: a quota, an admission policy, or a missing right. The message is the API server's."""


class Cluster:
    """Requests in one namespace. Each raises ApiUnavailable."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._path, self._namespace = api, f"/api/v1/namespaces/{namespace}", namespace

    def pods(self, everywhere: bool) -> str:
        """The path of the list of pods: those of the namespace, or of all."""
        return "/api/v1/pods" if everywhere else f"{self._path}/pods"

    async def owner(self, service_account: str) -> str:
        """The UID of the ServiceAccount that owns the pods."""
        path = f"{self._path}/serviceaccounts/{service_account}"
        return str((await self._api.get(path, f"the ServiceAccount {service_account}"))["metadata"]["uid"])

    async def create(self, pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The pod as it was made. None where there is one of that name. Raises PodRefused, too."""
        status, answer = await self._api.post(f"{self._path}/pods", f"the pod {pod['metadata']['name']}", pod)
        if status in (400, 403, 422):
            raise PodRefused(" ".join(str(answer.get("message") or f"status {status}").split()))
        return None if status == 409 else answer

    async def delete(self, pod: str) -> None:
        await self._api.delete(f"{self._path}/pods/{pod}", f"the pod {pod}")

    async def tell(self, warning: SiteWarning, deployment: str) -> None:
        """An event of the controller's Deployment."""
        now = datetime.now(UTC).isoformat()
        event = {
            "metadata": {"generateName": f"{deployment}-", "namespace": self._namespace},
            "type": "Warning",
            "reason": warning.reason,
            "message": warning.message[:_LONGEST_MESSAGE],
            "involvedObject": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": deployment,
                "namespace": self._namespace,
            },
            "source": {"component": _COMPONENT},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        status, answer = await self._api.post(f"{self._path}/events", "an event", event)
        if status >= 300:  # the log and the admin page have it nevertheless
            log.error("The API server takes no event (%d): %s", status, answer.get("message"))
