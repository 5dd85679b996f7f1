"""The owner of each lab's pod: the ServiceAccount of its namespace, so that uninstalling the release removes the labs."""

import asyncio
import time

from kubernetes_asyncio.client import CoreV1Api

# A UID counts for so long, and one request serves all labs that start meanwhile. Not for longer: with the UID of a
# ServiceAccount that was recreated since, a pod would be garbage-collected at once.
_SECONDS = 10.0
_read: dict[tuple[asyncio.AbstractEventLoop, str, str], tuple[float, "asyncio.Future[str]"]] = {}


async def service_account_uid(api: CoreV1Api, name: str, namespace: str) -> str:
    """The UID of a ServiceAccount, at most ten seconds old. Raises ApiException, and ClientError without an API."""
    now = time.monotonic()
    for key in [key for key, (until, _) in _read.items() if until < now]:
        del _read[key]
    key = asyncio.get_running_loop(), namespace, name
    if key not in _read:
        _read[key] = now + _SECONDS, asyncio.ensure_future(_uid(api, name, namespace))
    reading = _read[key][1]
    try:
        return await asyncio.shield(reading)  # other starts wait for it too
    except Exception:
        _read.pop(key, None)
        raise


async def _uid(api: CoreV1Api, name: str, namespace: str) -> str:
    return str((await api.read_namespaced_service_account(name, namespace)).metadata.uid)
