"""One start makes one pod, however often its request is repeated."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientError
from jldhub.labs.start.adoption import START, AdoptingApi, PodRejected
from kubernetes_asyncio.client import ApiException, V1DeleteOptions, V1ObjectMeta, V1Pod


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


async def nothing(pod: V1Pod) -> None:
    """Nothing is to be made with the pod."""


async def create(cluster: Cluster, start: str = "now") -> tuple[Any, list[int]]:
    created: list[int] = []

    async def note(pod: V1Pod) -> None:
        created.append(1)

    api = AdoptingApi(cluster, note)
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
    assert await AdoptingApi(Cluster(a_pod("x")), nothing).read_namespaced_pod("jld-lab-ada", "jld")


class Slow(Cluster):
    """Answers when `answer` is set; what is asked for is made then, or was made before."""

    def __init__(self, made_before: bool, fails: bool) -> None:
        super().__init__()
        self.made_before, self.fails = made_before, fails
        self.answer, self.deleted = asyncio.Event(), asyncio.Event()
        self.uid_asked: str | None = None

    async def create_namespaced_pod(self, namespace: str, body: V1Pod) -> V1Pod:
        body.metadata.uid = "0a1b"
        if self.made_before:
            self.pod = body
        await self.answer.wait()
        self.pod = body
        if self.fails:
            raise ClientError("the connection was lost")
        return body

    async def delete_namespaced_pod(self, name: str, namespace: str, body: V1DeleteOptions) -> None:
        self.pod, self.uid_asked = None, body.preconditions.uid
        self.deleted.set()


@pytest.mark.parametrize("made_before", [True, False])
@pytest.mark.parametrize("fails", [True, False])
async def test_a_pod_on_which_a_start_gave_up_is_deleted_whenever_it_is_made(made_before: bool, fails: bool) -> None:
    cluster = Slow(made_before, fails)
    api = AdoptingApi(cluster, nothing)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.create_namespaced_pod("jld", a_pod("now")), 0.01)
    api.abandon()
    cluster.answer.set()
    async with asyncio.timeout(30):
        await cluster.deleted.wait()
    assert (cluster.pod, cluster.uid_asked) == (None, "0a1b")


async def test_the_pod_of_a_lab_stays_whatever_an_earlier_request_answers() -> None:
    cluster = Slow(made_before=True, fails=False)
    api = AdoptingApi(cluster, nothing)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.create_namespaced_pod("jld", a_pod("now")), 0.01)
    cluster.answer.set()
    await api.create_namespaced_pod("jld", a_pod("now"))
    api.keep()
    api.abandon()
    for _ in range(10):
        await asyncio.sleep(0)
    assert cluster.pod is not None


async def test_what_belongs_to_the_pod_is_refused_as_the_pod_is() -> None:
    async def no_secret(pod: V1Pod) -> None:
        raise refusal(403, "exceeded quota: secrets")

    with pytest.raises(PodRejected, match="exceeded quota: secrets"):
        await AdoptingApi(Cluster(), no_secret).create_namespaced_pod("jld", a_pod("now"))


async def claim(trouble: Exception | None) -> Any:
    class Claims:
        async def create_namespaced_persistent_volume_claim(self, namespace: str, body: object) -> object:
            if trouble:
                raise trouble
            return namespace, body

    return await AdoptingApi(Claims(), nothing).create_namespaced_persistent_volume_claim(namespace="jld", body="claim")


@pytest.mark.parametrize("trouble", [refusal(429), refusal(503), ClientError("no route")])
async def test_a_claim_is_asked_for_again_while_the_api_is_busy(trouble: Exception) -> None:
    """KubeSpawner tries again after a TimeoutError alone."""
    with pytest.raises(TimeoutError):
        await claim(trouble)


@pytest.mark.parametrize("status", [403, 409, 422])
async def test_a_refused_claim_is_kubespawners_matter(status: int) -> None:
    with pytest.raises(ApiException):
        await claim(refusal(status))
    assert await claim(None) == ("jld", "claim")
