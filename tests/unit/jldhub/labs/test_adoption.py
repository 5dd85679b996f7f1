"""One start makes one pod, however often its request is repeated."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientError
from jldhub.labs.start.adoption import START, AdoptingApi, PodRejected
from kubernetes_asyncio.client import ApiException, V1ObjectMeta, V1Pod


def a_pod(start: str | None, deleted: bool = False) -> V1Pod:
    gone = datetime.now(UTC) if deleted else None
    annotations = {START: start} if start else None
    return V1Pod(metadata=V1ObjectMeta(name="jld-lab-ada", annotations=annotations, deletion_timestamp=gone))


def refusal(status: int, message: str = "no") -> ApiException:
    refused = ApiException(status=status, reason="reason")
    refused.body = json.dumps({"message": message})
    return refused


class Cluster:
    """Has at most one pod, and answers with the given trouble."""

    def __init__(self, pod: V1Pod | None = None, trouble: Exception | None = None) -> None:
        self.pod, self.last_error = pod, trouble

    async def create_namespaced_pod(self, namespace: str, body: V1Pod) -> V1Pod:
        if self.last_error:
            raise self.last_error
        self.pod = body
        return body

    async def read_namespaced_pod(self, name: str, namespace: str) -> V1Pod:
        if self.pod is None:
            raise refusal(404)
        return self.pod


async def create(cluster: Cluster, start: str = "now") -> tuple[Any, list[int]]:
    created: list[int] = []
    api = AdoptingApi(cluster, lambda: created.append(1))
    return await api.create_namespaced_pod("jld", a_pod(start)), created


async def test_the_pod_of_the_same_start_is_kept() -> None:
    there = a_pod("now")
    assert await create(Cluster(there, refusal(409))) == (there, [1])


@pytest.mark.parametrize("there", [a_pod("before"), a_pod(None), a_pod("now", deleted=True)])
async def test_another_pod_of_that_name_stays_a_conflict(there: V1Pod) -> None:
    with pytest.raises(ApiException) as refused:
        await create(Cluster(there, refusal(409)))
    assert refused.value.status == 409


@pytest.mark.parametrize("trouble", [refusal(429), refusal(500), refusal(504), ClientError("connection reset")])
async def test_trouble_that_passes_is_a_timeout_which_kubespawner_repeats(trouble: Exception) -> None:
    with pytest.raises(TimeoutError):
        await create(Cluster(trouble=trouble))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_none_that_kubespawner_would_log_with_the_whole_pod(status: int) -> None:
    with pytest.raises(PodRejected, match="exceeded quota") as refused:
        await create(Cluster(trouble=refusal(status, "exceeded quota")))
    assert not isinstance(refused.value, ApiException)
    assert refused.value.status == status


@pytest.mark.parametrize("body", [None, "", "no JSON", "[]", "7", '{"message": null}'])
async def test_a_refusal_without_a_status_object_is_told_by_its_reason(body: str | None) -> None:
    refused = refusal(403)
    refused.body = body
    with pytest.raises(PodRejected, match="403"):
        await create(Cluster(trouble=refused))


async def test_everything_else_is_the_clients_own() -> None:
    assert await AdoptingApi(Cluster(a_pod("x")), print).read_namespaced_pod("jld-lab-ada", "jld")
