"""`storage.homes: perPerson`: the chart makes no volume of homes, and the hub may make claims and nothing more."""

from pathlib import Path

import pytest
import yaml
from jldhub.settings.settings import Settings
from rendering import Object, Question, refusal, render

OWN = ('storage.homes="perPerson"',)


def rights(values: Path, *changes: str) -> set[tuple[str, str]]:
    """What the hub may do with claims: kind of role, and verb."""
    roles = [
        (role["kind"], rule)
        for kind in ("Role", "ClusterRole")
        for role in render(Question(values, changes)).of_kind(kind)
        for rule in role["rules"]
        if role["metadata"]["labels"]["app.kubernetes.io/component"] == "hub"
    ]
    return {
        (kind, verb) for kind, rule in roles if "persistentvolumeclaims" in rule["resources"] for verb in rule["verbs"]
    }


def test_the_hub_may_make_claims_only_where_homes_are_in_volumes_of_their_own(values: dict[str, Path]) -> None:
    assert rights(values["minimal"]) == set()
    assert rights(values["homes"]) == {("Role", "create"), ("Role", "get")}
    made = {"create", "patch", "list", "delete"}
    assert rights(values["external"]) == {("ClusterRole", verb) for verb in made}
    assert rights(values["external"], *OWN) == {("ClusterRole", verb) for verb in made | {"get"}}


def claims(values: Path, *changes: str) -> set[str]:
    rendered = render(Question(values, changes))
    volumes = [each["metadata"]["name"] for each in rendered.of_kind("PersistentVolume")]
    return {*(each["metadata"]["name"] for each in rendered.of_kind("PersistentVolumeClaim")), *volumes}


@pytest.mark.parametrize(
    ("site", "changes"),
    [
        ("github", ()),
        ("external", ()),
        ("local", ()),
        (
            "nfs",
            (
                "storage.keepalive.enabled=false",
                "storage.backup.volumes=[]",
                'storage.nfs.address={"mode": "static", "clusterIP": "10.96.1.2"}',
            ),
        ),
    ],
)
def test_only_the_volume_of_homes_is_not_made(values: dict[str, Path], site: str, changes: tuple[str, ...]) -> None:
    gone = {"jld-home", "science.jld-home"}
    shared, own = claims(values[site], *changes), claims(values[site], *changes, *OWN)
    assert own == shared - gone
    assert shared & gone


def settings(values: Path, *changes: str) -> Object:
    (found,) = [
        yaml.safe_load(each["data"]["settings.yaml"])
        for each in render(Question(values, changes)).of_kind("ConfigMap")
        if "settings.yaml" in each.get("data", {})
        and each["metadata"]["labels"]["app.kubernetes.io/component"] == "hub"
    ]
    return dict(found)


def test_the_hub_is_told_of_the_volumes_of_people_and_where_homes_are_seen(values: dict[str, Path]) -> None:
    told = settings(values["homes"])
    own = {"storageClass": "standard-rwo", "capacity": "20Gi", "accessMode": "ReadWriteOnce"}
    assert told["storage"] == {"homes": "perPerson", "perPerson": own}
    assert told["names"]["volumes"]["home"] == {"claim": "jld-home", "mountPath": "/home", "readOnly": False}
    assert set(settings(values["external"], *OWN)["names"]["userNamespaces"]["volumes"]) == {"datasets"}


NOTHING_SHARED = ("global.userNamespaces=true",)


def test_where_nothing_is_shared_the_hub_starts_and_reads_no_volume(values: dict[str, Path]) -> None:
    """A list of names that is empty would mean all volumes of the cluster, and a map without entries is none to the hub."""
    assert Settings.parse(settings(values["homes"], *NOTHING_SHARED)).names.user_namespaces
    rendered = render(Question(values["homes"], NOTHING_SHARED))
    for role in [*rendered.of_kind("ClusterRole"), *rendered.of_kind("Role")]:
        for rule in role["rules"]:
            assert rule.get("resourceNames", ["all"]) != [], role["metadata"]["name"]
            reads = "persistentvolumes" in rule["resources"] and "get" in rule["verbs"]
            assert not reads, role["metadata"]["name"]


def test_the_file_server_holds_what_is_shared_and_no_homes(values: dict[str, Path]) -> None:
    changes = ("storage.keepalive.enabled=false", "storage.backup.volumes=[]", *OWN)
    served = [
        yaml.safe_load(each["data"]["nfs.yaml"])["exports"]
        for each in render(Question(values["nfs"], changes)).of_kind("ConfigMap")
        if "nfs.yaml" in each.get("data", {})
    ]
    assert [set(exports) for exports in served] == [{"scratch", "software"}]


@pytest.mark.parametrize(
    ("site", "change", "sentence"),
    [
        ("homes", "storage.keepalive.enabled=true", "keepalive"),
        ("homes", 'storage.backup.claim="archives"', "backup"),
        ("homes", 'storage.volumes={"home": {"mountPath": "/home", "existingClaim": "homes"}}', "existingClaim"),
        ("homes", "hub.lab.provisionHomes=false", "provisionHomes"),
    ],
)
def test_helm_refuses_what_cannot_be_by_itself(values: dict[str, Path], site: str, change: str, sentence: str) -> None:
    assert sentence in refusal(Question(values[site], (change,)))
