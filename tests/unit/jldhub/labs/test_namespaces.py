"""A namespace of a person: what is in it, and that nobody else's is ever used."""

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from jldhub.labs.namespaces.manifests import (
    belongs_to_release,
    contents,
    namespace_manifest,
    release_owner,
    secret_copy,
    volume_copy,
)
from jldhub.labs.namespaces.provisioning import NamespaceProvisioner, NamespaceUnusable
from jldhub.labs.spawner import spawner_config
from jldhub.labs.start.messages import pod_rejected
from jldhub.settings.lab import PerUser, Quota
from jldhub.settings.names import UserNamespaces
from jldhub.settings.settings import Settings
from jldhub.settings.site import Storage
from kubernetes_asyncio.client import ApiClient, ApiException

LABELS = {"app.kubernetes.io/instance": "jld", "jld.lsst.org/release-namespace": "science"}
PEOPLE = UserNamespaces(
    prefix="science-ab12cd",
    labels=LABELS,
    owner="science.jld-hub",
    networkPolicy="jld-lab",
    volumes={"home": "science.jld-home"},
)
POLICY: dict[str, Any] = {"metadata": {"name": "jld-lab"}, "spec": {"policyTypes": ["Ingress", "Egress"]}}
NAMESPACE = {
    "metadata": {
        "name": "science-ab12cd-ada",
        "uid": "1-2-3",
        "labels": {**LABELS, "kubernetes.io/metadata.name": "x"},
    },
    "status": {"phase": "Active"},
}
VOLUME = {
    "metadata": {"name": "science.jld-home"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "capacity": {"storage": "19Gi"},
        "claimRef": {"namespace": "science", "name": "jld-home", "uid": "9"},
        "mountOptions": ["nfsvers=4.2"],
        "nfs": {"server": "10.96.1.2", "path": "/home"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
    },
}


@pytest.fixture
def of_people(settings: Settings) -> Settings:
    return settings.model_copy(update={"names": settings.names.model_copy(update={"user_namespaces": PEOPLE})})


def test_without_it_labs_run_in_the_release_namespace(settings: Settings, of_people: Settings) -> None:
    assert "enable_user_namespaces" not in spawner_config(settings)["KubeSpawner"]
    chosen = spawner_config(of_people)["KubeSpawner"]
    assert chosen["enable_user_namespaces"] is True
    assert chosen["user_namespace_template"] == "science-ab12cd-{username}"
    assert chosen["user_namespace_labels"] == LABELS


@pytest.mark.parametrize(
    "labels", [None, {}, {"app.kubernetes.io/instance": "jld"}, {**LABELS, "jld.lsst.org/release-namespace": "x"}]
)
def test_a_namespace_without_our_labels_is_not_ours(labels: dict[str, str] | None) -> None:
    assert belongs_to_release(NAMESPACE, PEOPLE)
    assert not belongs_to_release({"metadata": {"labels": labels}}, PEOPLE)


OWNER = release_owner(PEOPLE, "of-the-role")
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/labs"}


def test_it_holds_an_account_the_policy_and_the_limits() -> None:
    per_user = PerUser(quota=Quota(cpu=6, memory="12Gi"), limitRange=Quota(cpu=4, memory="8Gi"))
    account, policy, quota, limits = contents("jld-lab", {"a": "b"}, POLICY, per_user, ROLE, OWNER)
    assert account["metadata"]["annotations"] == ROLE
    assert account["metadata"]["ownerReferences"] == [OWNER]
    assert not any("annotations" in each["metadata"] for each in (policy, quota, limits))
    assert (account["kind"], account["automountServiceAccountToken"]) == ("ServiceAccount", False)
    assert (policy["kind"], policy["spec"]) == ("NetworkPolicy", POLICY["spec"])
    assert (quota["kind"], quota["spec"]) == ("ResourceQuota", {"hard": {"limits.cpu": "6", "limits.memory": "12Gi"}})
    assert (limits["kind"], limits["spec"]) == (
        "LimitRange",
        {"limits": [{"type": "Container", "max": {"cpu": "4", "memory": "8Gi"}}]},
    )
    assert {each["metadata"]["name"] for each in (account, policy)} == {"jld-lab"}


def test_everything_in_it_says_what_made_it() -> None:
    """The well-known label, by which operators look for what the hub made."""
    manifests = [
        namespace_manifest("science-ada", PEOPLE, [OWNER], "restricted"),
        *volume_copy("jld-home", VOLUME, NAMESPACE, LABELS),
        secret_copy({"type": "Opaque", "data": {}, "metadata": {"name": "pull"}}),
    ]
    for manifest in manifests:
        assert manifest["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "kubespawner"


def test_a_limit_that_was_taken_away_is_taken_away() -> None:
    *_, quota, limits = contents("jld-lab", {}, POLICY, PerUser(), {}, OWNER)
    assert (quota["spec"], limits["spec"]) == ({"hard": {}}, {"limits": [{"type": "Container"}]})


@pytest.mark.parametrize("limit_range", [Quota(), Quota(cpu=1), Quota(memory="1Gi"), Quota(cpu=1, memory="1Gi")])
@pytest.mark.parametrize("quota", [Quota(), Quota(cpu=1)])
async def test_the_client_can_read_what_kubernetes_answers(quota: Quota, limit_range: Quota) -> None:
    """In whose answers an empty list or map is null."""

    def answered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: answered(each) for key, each in value.items()} or None
        return [answered(each) for each in value] or None if isinstance(value, list) else value

    per_user = PerUser(quota=quota, limitRange=limit_range)
    policy = {**POLICY, "spec": {**POLICY["spec"], "podSelector": {"matchLabels": {"a": "b"}}}}
    async with ApiClient() as client:
        for manifest in contents("jld-lab", {}, policy, per_user, {}, OWNER):
            answer = SimpleNamespace(data=json.dumps(answered(manifest)))
            assert client.deserialize(answer, f"V1{manifest['kind']}").metadata.name == manifest["metadata"]["name"]


def test_a_volume_shows_the_same_files_to_one_claim_and_goes_with_the_namespace() -> None:
    volume, claim = volume_copy("jld-home", VOLUME, NAMESPACE, LABELS)
    assert volume["spec"] == VOLUME["spec"] | {
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": "science-ab12cd-ada",
            "name": claim["metadata"]["name"],
        }
    }
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    (owner,) = volume["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Namespace", "science-ab12cd-ada", "1-2-3")


def test_another_address_or_another_namespace_has_another_volume() -> None:
    moved = {"spec": {**VOLUME["spec"], "nfs": {"server": "10.96.9.9", "path": "/home"}}}  # type: ignore[dict-item]
    again = {**NAMESPACE, "metadata": {**NAMESPACE["metadata"], "uid": "4-5-6"}}  # type: ignore[dict-item]
    made = [
        volume_copy("jld-home", *each, LABELS) for each in ((VOLUME, NAMESPACE), (moved, NAMESPACE), (VOLUME, again))
    ]
    assert len({volume["metadata"]["name"] for volume, _ in made}) == 3
    assert volume_copy("jld-home", VOLUME, NAMESPACE, LABELS) == made[0]


def test_a_quota_of_ones_own_is_told_as_such() -> None:
    message = (
        'pods "jld-lab-ada--two" is forbidden: exceeded quota: jld-lab-per-user, requested: limits.cpu=4, '
        "used: limits.cpu=4, limited: limits.cpu=6"
    )
    found = pod_rejected(403, message)
    assert found.reason == "quota"
    assert found.sentence.startswith("Your labs use all that they may use together (limits.cpu 4 more")
    assert "stop another lab of yours" in found.sentence


class FakeClient:
    """A namespace and its volumes, by the names of the calls; what is written is kept."""

    def __init__(self, provisioner: NamespaceProvisioner, namespace: dict[str, Any]) -> None:
        self.written: list[tuple[str, str]] = []
        self.manifests: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.server = "10.96.1.2"
        self.refuses_deletion = False
        answers = {
            "read_namespace": namespace,
            "read_cluster_role": {"metadata": {"uid": "of-the-role"}},
            "read_namespaced_network_policy": POLICY,
            "read_namespaced_secret": {
                "type": "kubernetes.io/dockerconfigjson",
                "metadata": {"name": "registry"},
                "data": {"a": "b"},
            },
        }
        api = SimpleNamespace(**{name: self._answering(answer) for name, answer in answers.items()})
        api.read_persistent_volume = self._read_source
        api.patch_namespace = self._keeping("Namespace")
        api.create_persistent_volume = self._create_volume
        api.patch_persistent_volume = self._patch_volume
        api.list_namespaced_persistent_volume_claim = self._list_claims
        api.delete_namespaced_persistent_volume_claim = self._delete_claim
        api.delete_persistent_volume = self._delete_volume
        provisioner._core = provisioner._rbac = provisioner._networks = api
        provisioner._client = SimpleNamespace(sanitize_for_serialization=lambda answer: answer)
        provisioner._patches = {kind: self._keeping(kind) for kind in provisioner._patches}
        provisioner._patches["PersistentVolumeClaim"] = self._apply_claim

    def _answering(self, answer: object) -> Any:
        async def answer_it(*_: object) -> object:
            return answer

        return answer_it

    def _keeping(self, kind: str) -> Any:
        async def keep(name: str, *rest: Any, **options: object) -> None:
            self.manifests[kind] = rest[-1]
            assert options["_content_type"] == "application/apply-patch+yaml"
            self.written.append((kind, name))

        return keep

    async def _apply_claim(self, name: str, _: str, manifest: dict[str, Any], **options: object) -> dict[str, Any]:
        assert options["_content_type"] == "application/apply-patch+yaml"
        self.written.append(("PersistentVolumeClaim", name))
        if name not in self.claims:
            metadata = {**manifest["metadata"], "uid": f"claim-{len(self.written)}"}
            self.claims[name] = {**manifest, "metadata": metadata, "status": {"phase": "Pending"}}
        return self.claims[name]

    async def _create_volume(self, manifest: dict[str, Any]) -> None:
        name = manifest["metadata"]["name"]
        if name in self.volumes:
            raise ApiException(status=409)
        self.written.append(("PersistentVolume", name))
        self.volumes[name] = copy.deepcopy(manifest)

    async def _patch_volume(self, name: str, patch: list[dict[str, str]], **options: object) -> None:
        assert options["_content_type"] == "application/json-patch+json"
        found = self.volumes[name]["spec"]["claimRef"]
        for each in patch:
            key = each["path"].removeprefix("/spec/claimRef/")
            if each["op"] == "test" and found.get(key) != each["value"]:
                raise ApiException(status=422)
            if each["op"] == "add":
                found[key] = each["value"]
        self.written.append(("patched PersistentVolume", name))

    async def _read_source(self, _: str) -> dict[str, Any]:
        return {**VOLUME, "spec": {**VOLUME["spec"], "nfs": {"server": self.server, "path": "/home"}}}  # type: ignore[dict-item]

    async def _list_claims(self, _: str, label_selector: str) -> dict[str, Any]:
        assert label_selector == "app.kubernetes.io/managed-by=kubespawner"
        return {"items": list(self.claims.values())}

    async def _delete_claim(self, name: str, _: str) -> None:
        if self.refuses_deletion:
            raise ApiException(status=403, reason="Forbidden")
        del self.claims[name]

    async def _delete_volume(self, name: str) -> None:
        if name not in self.volumes:
            raise ApiException(status=404)
        del self.volumes[name]

    def bind(self) -> None:
        """As Kubernetes does: a claim is bound while its volume records its UID."""
        for claim in self.claims.values():
            volume = self.volumes.get(claim["spec"]["volumeName"])
            bound = volume is not None and volume["spec"]["claimRef"].get("uid") == claim["metadata"]["uid"]
            was = claim["status"]["phase"]
            claim["status"]["phase"] = "Bound" if bound else "Lost" if was in ("Bound", "Lost") else "Pending"

    @property
    def phases(self) -> list[str]:
        self.bind()
        return [claim["status"]["phase"] for claim in self.claims.values()]


def provisioner(namespace: dict[str, Any]) -> tuple[NamespaceProvisioner, FakeClient]:
    made = NamespaceProvisioner(SimpleNamespace(), seconds=1)
    return made, FakeClient(made, namespace)


async def test_a_namespace_is_made_ready_before_the_lab_and_again_at_each_start(of_people: Settings) -> None:
    ready, api = provisioner(NAMESPACE)
    for again in (False, True):
        claims = await ready.provision("science-ab12cd-ada", of_people, PEOPLE)
        (claim,) = claims.values()
        assert set(claims) == {"home"}
        written = [
            ("Namespace", "science-ab12cd-ada"),
            ("ServiceAccount", "jld-lab"),
            ("NetworkPolicy", "jld-lab"),
            ("ResourceQuota", "jld-lab-per-user"),
            ("LimitRange", "jld-lab-per-user"),
            ("Secret", "registry"),
            ("PersistentVolumeClaim", claim),
            *([] if again else [("PersistentVolume", f"science-ab12cd-ada-{claim}")]),
        ]
        assert api.written == written
        assert api.phases == ["Bound"]
        api.written.clear()


async def test_what_somebody_deleted_of_a_persons_storage_is_back_at_the_next_start(of_people: Settings) -> None:
    """Whichever of the two it was, or a start that ended between them."""
    ready, api = provisioner(NAMESPACE)
    (name,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    for lost in ({"claims"}, {"volumes"}, {"claims", "volumes"}):
        assert api.phases == ["Bound"]
        if "claims" in lost:
            api.claims.clear()
        if "volumes" in lost:
            api.volumes.clear()
        api.bind()
        assert await ready.provision("science-ab12cd-ada", of_people, PEOPLE) == {"home": name}
        assert api.phases == ["Bound"], lost


async def test_a_volume_of_another_claim_is_left_alone(of_people: Settings) -> None:
    ready, api = provisioner(NAMESPACE)
    (name,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    del api.claims[name]
    (volume,) = api.volumes.values()
    theirs = volume["spec"]["claimRef"] = {"namespace": "elsewhere", "name": name, "uid": "theirs"}

    with pytest.raises(NamespaceUnusable, match=f"The volume science-ab12cd-ada-{name} is somebody else's"):
        await ready.provision("science-ab12cd-ada", of_people, PEOPLE)
    assert volume["spec"]["claimRef"] == theirs


async def test_a_claim_that_is_being_deleted_is_said_and_not_waited_for(of_people: Settings) -> None:
    ready, api = provisioner(NAMESPACE)
    (name,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    api.claims[name]["metadata"]["deletionTimestamp"] = "2026-01-31T02:00:00Z"

    with pytest.raises(NamespaceUnusable, match=r"is being deleted\. Stop your other labs"):
        await ready.provision("science-ab12cd-ada", of_people, PEOPLE)


async def test_what_showed_an_earlier_address_goes_at_the_next_start_and_nothing_else(of_people: Settings) -> None:
    ready, api = provisioner(NAMESPACE)
    (before,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    for name, volume in (
        ("jld-home", "jld-home-of-somebody"),
        ("a-class", None),
    ):  # an administrator's, in the namespace
        spec = {"volumeName": volume} if volume else {}
        api.claims[name] = {"metadata": {"name": name, "uid": name}, "spec": spec, "status": {"phase": "Bound"}}
    api.server = "10.96.9.9"

    (now,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    assert before != now
    assert set(api.claims) == {now, "jld-home", "a-class"}
    assert set(api.volumes) == {f"science-ab12cd-ada-{now}"}


async def test_claims_that_cannot_be_deleted_are_in_the_log_and_hold_no_start_up(
    of_people: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ready, api = provisioner(NAMESPACE)
    (before,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    api.server, api.refuses_deletion = "10.96.9.9", True
    (now,) = (await ready.provision("science-ab12cd-ada", of_people, PEOPLE)).values()
    assert "stay in the namespace science-ab12cd-ada: Forbidden" in caplog.text

    api.refuses_deletion = False
    await ready.provision("science-ab12cd-ada", of_people, PEOPLE)
    assert (set(api.claims), len(api.volumes)) == ({now}, 1)
    assert before != now


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"metadata": {"name": "kube-system", "uid": "0", "labels": {}}}, "somebody else's"),
        ({"status": {"phase": "Terminating"}}, "being taken away"),
    ],
)
async def test_nothing_is_written_into_a_namespace_that_cannot_be_used(
    of_people: Settings, change: dict[str, Any], sentence: str
) -> None:
    ready, api = provisioner({**NAMESPACE, **change})
    with pytest.raises(NamespaceUnusable, match=sentence):
        await ready.provision("science-ab12cd-ada", of_people, PEOPLE)
    assert api.written == []


@pytest.mark.parametrize("homes", ["shared", "perPerson"])
async def test_a_namespace_with_a_home_stays_when_the_release_goes_and_the_labs_do_not(
    of_people: Settings, homes: str
) -> None:
    """Kubernetes deletes what a deleted owner owned: the namespace with all that is in it, the account with the labs."""
    own = of_people.model_copy(update={"storage": Storage(homes=homes)})
    ready, api = provisioner(NAMESPACE)
    await ready.provision("science-ab12cd-ada", of_people, PEOPLE)
    assert api.manifests["Namespace"]["metadata"]["ownerReferences"] == [OWNER]
    (shared,) = api.claims

    home = {
        "metadata": {"name": "jld-home.ada", "uid": "home"},
        "spec": {"volumeName": "science-ab12cd-ada-jld-home.ada"},
    }
    api.claims["jld-home.ada"] = {**home, "status": {"phase": "Bound"}}
    claims = await ready.provision("science-ab12cd-ada", own, PEOPLE)

    assert api.manifests["Namespace"]["metadata"]["ownerReferences"] == []
    assert api.manifests["ServiceAccount"]["metadata"]["ownerReferences"] == [OWNER]
    assert claims == ({} if homes == "perPerson" else {"home": shared})
    assert set(api.claims) == {"jld-home.ada", *claims.values()}
