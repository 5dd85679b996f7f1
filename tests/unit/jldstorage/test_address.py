"""Wherever the Service and the volumes have got to, they come together again, and the volumes keep their claims."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from jldstorage.address import AddressRejected, reconcile
from jldstorage.volumes import Action, Step, VolumeRefused, action

SERVICE = {"metadata": {"name": "jld-file-server"}, "spec": {"ports": [{"port": 2049}]}}
OF_HELM = {"app.kubernetes.io/managed-by": "Helm"}
OF_RELEASE = {"meta.helm.sh/release-name": "jld", "meta.helm.sh/release-namespace": "science"}
OLD, NEW = "10.96.0.7", "10.96.0.99"


def wanted(name: str = "home", **spec: object) -> dict[str, Any]:
    claim = {"namespace": "science", "name": f"jld-{name}"}
    source = {"server": "", "path": f"/{name}"}
    metadata = {"name": f"science.jld-{name}", "labels": dict(OF_HELM), "annotations": dict(OF_RELEASE)}
    return {"metadata": metadata, "spec": {"claimRef": claim, "nfs": source, **spec}}


def present(address: str = OLD, uid: str | None = "uid-1", name: str = "home", **spec: object) -> dict[str, Any]:
    """A volume as the API gives it: with what Kubernetes adds."""
    volume = wanted(name, **spec)
    volume["spec"]["nfs"]["server"] = address
    volume["spec"]["nfs"]["readOnly"] = False
    if uid:
        volume["spec"]["claimRef"] |= {"uid": uid, "resourceVersion": "7"}
    return volume


class Fake:
    """A cluster of one Service and some volumes, which remembers what was asked of it."""

    def __init__(
        self,
        service: str | None = None,
        volumes: Mapping[str, Mapping[str, Any]] | None = None,
        claims: Mapping[str, str] | None = None,
        refused: tuple[str, ...] = (),
        bound: str = "",
    ) -> None:
        self.service = service
        self.volumes = dict(volumes or {})
        self.claims = dict(claims or {})
        self.refused = refused
        self.bound = bound  # the volume of all claims, where it is another one than ours
        self.asked: list[str] = []

    async def service_address(self) -> str | None:
        return self.service

    async def make_service(self, manifest: Mapping[str, Any], address: str | None) -> str:
        if address in self.refused:
            raise AddressRejected("it is taken")
        self.service = address or NEW
        self.asked.append(f"make service at {address or 'any address'}")
        return self.service

    async def delete_service(self) -> None:
        self.asked.append("delete service")

    async def volume(self, name: str) -> Mapping[str, Any] | None:
        return self.volumes.get(name)

    async def claim(self, name: str) -> Mapping[str, Any] | None:
        uid = self.claims.get(name)
        volume = self.bound or f"science.{name}"
        return {"metadata": {"name": name, "uid": uid}, "spec": {"volumeName": volume}} if uid else None

    async def create_volume(self, manifest: Mapping[str, Any]) -> None:
        self.asked.append(f"create {manifest['metadata']['name']}")
        self.volumes[manifest["metadata"]["name"]] = manifest

    async def change_volume(self, name: str, patch: Mapping[str, Any]) -> None:
        self.asked.append(f"change {name}")

    async def delete_volume(self, name: str) -> None:
        self.asked.append(f"delete {name}")


def reconciled(cluster: Fake, *names: str) -> list[str]:
    asyncio.run(reconcile(cluster, SERVICE, [wanted(name) for name in names or ("home",)]))
    return cluster.asked


def test_the_first_installation_asks_for_an_address_and_makes_the_volumes() -> None:
    cluster = Fake()

    assert reconciled(cluster, "home", "scratch") == [
        "make service at any address",
        "create science.jld-home",
        "create science.jld-scratch",
    ]
    assert {volume["spec"]["nfs"]["server"] for volume in cluster.volumes.values()} == {NEW}


def test_the_second_run_changes_nothing() -> None:
    cluster = Fake(OLD, {"science.jld-home": present()}, {"jld-home": "uid-1"})

    assert reconciled(cluster) == []


def test_a_service_that_was_deleted_gets_its_address_back() -> None:
    cluster = Fake(None, {"science.jld-home": present()}, {"jld-home": "uid-1"})

    assert reconciled(cluster) == [f"make service at {OLD}"]


def test_a_service_that_was_made_anew_gets_its_old_address_back() -> None:
    cluster = Fake(NEW, {"science.jld-home": present()}, {"jld-home": "uid-1"})

    assert reconciled(cluster) == ["delete service", f"make service at {OLD}"]


def test_volumes_follow_when_the_address_is_somebody_elses() -> None:
    cluster = Fake(None, {"science.jld-home": present()}, {"jld-home": "uid-1"}, refused=(OLD,))

    assert reconciled(cluster) == ["make service at any address", "delete science.jld-home", "create science.jld-home"]
    volume = cluster.volumes["science.jld-home"]["spec"]
    assert (volume["nfs"]["server"], volume["claimRef"]["uid"]) == (NEW, "uid-1")


def test_who_has_the_old_address_mounted_is_said_what_to_start_again_and_what_to_do_with_what_hangs() -> None:
    cluster = Fake(None, {"science.jld-home": present()}, {"jld-home": "uid-1"}, refused=(OLD,))
    said = "\n".join(asyncio.run(reconcile(cluster, SERVICE, [wanted()])))

    assert f"is at {NEW} now. What runs with its volumes mounted waits for {OLD} without end" in said
    assert "stop and start all labs, and restart the Deployments keepalive and firefly" in said
    assert 'docs/storage.md, "Pods that hang on a dead mount"' in said


def test_a_volume_that_is_new_takes_the_address_of_the_others() -> None:
    cluster = Fake(None, {"science.jld-home": present()}, {"jld-home": "uid-1"})

    assert reconciled(cluster, "home", "scratch") == [f"make service at {OLD}", "create science.jld-scratch"]


def test_volumes_that_disagree_are_brought_together() -> None:
    volumes = {"science.jld-home": present(OLD), "science.jld-scratch": present(NEW, name="scratch")}
    cluster = Fake(OLD, volumes, {"jld-home": "uid-1", "jld-scratch": "uid-1"})

    assert reconciled(cluster, "home", "scratch") == ["delete science.jld-scratch", "create science.jld-scratch"]


@pytest.mark.parametrize("claim", [None, "uid-2"])
def test_a_volume_forgets_a_claim_that_was_deleted(claim: str | None) -> None:
    assert action(wanted(), present(), claim, OLD) == Action(
        "science.jld-home", Step.change, {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
    )


def test_a_volume_that_no_claim_took_yet_is_left_alone() -> None:
    assert action(wanted(), present(uid=None), "uid-1", OLD) == Action("science.jld-home", Step.unchanged)


def test_capacity_and_mount_options_are_changed_in_place() -> None:
    before = present(capacity={"storage": "19Gi"}, mountOptions=["hard"])
    after = wanted(capacity={"storage": "38Gi"}, mountOptions=["hard", "noatime"])

    assert action(after, before, "uid-1", OLD) == Action(
        "science.jld-home",
        Step.change,
        {"spec": {"capacity": {"storage": "38Gi"}, "mountOptions": ["hard", "noatime"]}},
    )


def test_a_claim_that_lost_its_volume_gets_it_back() -> None:
    made = action(wanted(), None, "uid-1", OLD)

    assert (made.step, made.body["spec"]["claimRef"]["uid"]) == (Step.create, "uid-1")
    assert "uid" not in wanted()["spec"]["claimRef"]


@pytest.mark.parametrize(
    ("claim", "whose"),
    [
        ({"namespace": "jld-prod", "name": "jld-home"}, "of the claim jld-home in the namespace jld-prod"),
        ({"namespace": "science", "name": "other-home"}, "of the claim other-home in the namespace science"),
        (None, "of no claim"),
    ],
)
@pytest.mark.parametrize("others", ["home", "scratch"])
def test_a_volume_of_somebody_else_is_not_touched_and_nothing_else_is(
    claim: dict[str, str] | None, whose: str, others: str
) -> None:
    volume = present(NEW, name=others)
    volume["spec"]["claimRef"] = claim
    cluster = Fake(volumes={f"science.jld-{others}": volume})
    with pytest.raises(VolumeRefused, match=rf"^the volume science.jld-{others} is {whose}, and not of jld-{others}"):
        reconciled(cluster, "home", "scratch")
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ({"nfs": {"server": "nfs.example.org", "path": "/home"}}, "nfs.example.org"),
        ({"nfs": {"server": OLD, "path": "/export/home"}}, "/export/home"),
        ({"hostPath": {"path": "/srv/jld/home"}}, "/srv/jld/home"),
        ({"csi": {"driver": "efs.csi.aws.com"}}, "another kind of storage"),
    ],
)
@pytest.mark.parametrize("name", ["home", "scratch"])
def test_a_volume_with_files_elsewhere_is_no_new_address(source: dict[str, Any], shown: str, name: str) -> None:
    """Homes would be empty from one start to the next."""
    volume = wanted(name)
    del volume["spec"]["nfs"]
    volume["spec"] |= source
    cluster = Fake(volumes={f"science.jld-{name}": volume})

    with pytest.raises(VolumeRefused, match=rf"^the volume science.jld-{name} shows .*{shown}.*Nothing was changed"):
        reconciled(cluster, "home", "scratch")
    assert cluster.asked == []


def test_a_claim_that_has_another_volume_keeps_it_and_nothing_is_made() -> None:
    cluster = Fake(claims={"jld-home": "uid-1"}, bound="pvc-1234")

    with pytest.raises(VolumeRefused, match=r"^the claim jld-home is for the volume pvc-1234.*Nothing was changed"):
        reconciled(cluster)
    assert cluster.asked == []


@pytest.mark.parametrize("lacking", [("annotations",), ("labels",), ("labels", "annotations")], ids=" and ".join)
def test_a_volume_that_does_not_say_whose_it_is_can_be_taken_over_by_helm(lacking: tuple[str, ...]) -> None:
    """From before volumes did, or put back by a program that keeps neither. Helm looks at the label and at both annotations."""
    before = present()
    for kind in lacking:
        del before["metadata"][kind]
    own = {"labels": OF_HELM, "annotations": OF_RELEASE}

    assert action(wanted(), before, "uid-1", OLD) == Action(
        "science.jld-home", Step.change, {"metadata": {kind: own[kind] for kind in lacking}}
    )


@pytest.mark.parametrize("kind", ["labels", "annotations"])
def test_what_others_wrote_on_a_volume_stays(kind: str) -> None:
    before = present()
    before["metadata"][kind]["velero.io/restored"] = "yes"

    assert action(wanted(), before, "uid-1", OLD) == Action("science.jld-home", Step.unchanged)
