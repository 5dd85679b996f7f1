"""Asks Kubernetes why the volume of a home is not there."""

import asyncio
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException

from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start import volumes


async def unbound_home(api: Any, namespace: str, claim: str, seconds: float, late: bool) -> Obstacle | None:
    """Why a claim is not bound, with what Kubernetes says of it; each request has so many seconds.

    None where it is bound or only needs more time, and where Kubernetes does not tell.
    """
    about = f"involvedObject.kind=PersistentVolumeClaim,involvedObject.name={claim}"
    try:
        found = await asyncio.wait_for(api.read_namespaced_persistent_volume_claim(claim, namespace), seconds)
        events = await asyncio.wait_for(api.list_namespaced_event(namespace, field_selector=about), seconds)
    except ApiException as refused:
        return volumes.of_claim(None, [], late) if refused.status == 404 else None
    except (ClientError, TimeoutError):
        return None
    document, *told = map(api.api_client.sanitize_for_serialization, [found, *events.items])
    return volumes.of_claim(document, told, late)
