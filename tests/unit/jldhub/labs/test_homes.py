"""`storage.homes: perPerson`: whose claim a home is in, what it is like, and what is said where there is none."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientError
from hypothesis import given
from hypothesis import strategies as st
from jldhub.labs.homes import home_claim, homes_config
from jldhub.labs.spawner import LabSpawner
from jldhub.labs.start import messages, volumes
from jldhub.labs.start.unbound import unbound_home
from jldhub.settings.names import Names, Volume
from jldhub.settings.settings import Settings, SettingsError
from kubernetes_asyncio.client import ApiException

from .test_spawner import make_pod, make_spawner

Event = dict[str, Any]


@pytest.fixture
def own(settings_document: dict[str, Any]) -> Settings:
    storage = {
        "homes": "perPerson",
        "perPerson": {"storageClass": "fast", "capacity": "5Gi", "accessMode": "ReadWriteOnce"},
    }
    return Settings.parse({**settings_document, "storage": storage})


def names(release: str) -> Names:
    return SimpleNamespace(volumes={"home": Volume(claim=f"{release}-home", mountPath="/home")})  # type: ignore[return-value]


RELEASES = st.from_regex(r"\A[a-z]([a-z0-9-]{0,45}[a-z0-9])?\Z")
PEOPLE = st.text("ab-.@_A1é", min_size=1, max_size=70)


@given(first=st.tuples(RELEASES, PEOPLE), second=st.tuples(RELEASES, PEOPLE))
def test_no_two_people_or_releases_have_a_claim_in_common(first: tuple[str, str], second: tuple[str, str]) -> None:
    claims = [home_claim(names(release), person) for release, person in (first, second)]
    assert (claims[0] == claims[1]) is (first == second)


@pytest.mark.parametrize(
    ("person", "claim"),
    [
        ("ada", "jld-home.ada"),
        ("Ada", "jld-home.ada---99a563ab"),
        ("1701", "jld-home.x-1701---1b365a4d"),
        ("a" * 60, f"jld-home.{'a' * 37}---11ee3912"),
        ("ada.lovelace", "jld-home.ada-lovelace---d239a0a8"),
    ],
)
def test_the_name_of_a_claim_never_changes(person: str, claim: str) -> None:
    """With another one, a person would find an empty home."""
    assert home_claim(names("jld"), person) == claim


async def test_each_person_has_one_claim_whatever_the_lab_is_called(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = []
    for lab in ("", "second"):
        spawner = make_spawner(own, monkeypatch)
        monkeypatch.setattr(LabSpawner, "name", lab)
        spawner.load_state({"pvc_name": "claim-ada", "kubespawner_version": "7.0.0"})
        labs.append((await claim_of_start(spawner, monkeypatch), await make_pod(spawner)))
    for claim, pod in labs:
        assert claim.metadata.name == "jld-home.ada"
        assert claim.metadata.labels["app.kubernetes.io/instance"] == "jld"
        assert claim.metadata.labels["component"] == "singleuser-storage"
        assert claim.metadata.annotations["hub.jupyter.org/username"] == "ada"
        assert not claim.metadata.owner_references
        assert (claim.spec.storage_class_name, claim.spec.access_modes) == ("fast", ["ReadWriteOnce"])
        assert claim.spec.resources.requests == {"storage": "5Gi"}
        (home,) = [each for each in pod["spec"]["volumes"] if each["name"] == "volume-home"]
        assert home["persistentVolumeClaim"] == {"claimName": "jld-home.ada"}
        (mount,) = [each for each in pod["spec"]["containers"][0]["volumeMounts"] if each["name"] == "volume-home"]
        assert (mount["mountPath"], mount["subPath"]) == ("/home/ada", "ada")
        assert pod["spec"]["initContainers"][0]["volumeMounts"] == [{"name": "volume-home", "mountPath": "/homes"}]


async def claim_of_start(spawner: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The claim that a start makes, also where this hub has seen an earlier one."""
    spawner._pvc_exists = True

    async def nothing(_: object) -> str:
        return ""

    monkeypatch.setattr("jldhub.labs.spawner.GuardedSpawner.start", nothing)
    await spawner.start()
    assert not spawner._pvc_exists
    return spawner.get_pvc_manifest()


def test_homes_are_shared_unless_the_site_says_otherwise(settings: Settings, own: Settings) -> None:
    assert homes_config(settings) == {"storage_pvc_ensure": False, "delete_pvc": False}
    assert homes_config(own)["storage_pvc_ensure"] is True
    assert homes_config(own)["delete_pvc"] is False
    assert (set(settings.shared_volumes), set(own.shared_volumes)) == ({"home"}, set())


def test_without_a_class_the_clusters_default_counts(settings_document: dict[str, Any]) -> None:
    chosen = homes_config(Settings.parse({**settings_document, "storage": {"homes": "perPerson"}}))
    assert chosen["storage_class"] is None


@pytest.mark.parametrize("wrong", [{"capacity": "much"}, {"capacity": "0Gi"}, {"accessMode": "ReadOnlyMany"}])
def test_the_hub_refuses_a_volume_that_cannot_be(settings_document: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"storage.perPerson.{next(iter(wrong))}"):
        Settings.parse({**settings_document, "storage": {"homes": "perPerson", "perPerson": wrong}})


def claim(phase: str = "Pending", **metadata: str) -> dict[str, Any]:
    return {"metadata": {"name": "jld-home.ada", **metadata}, "status": {"phase": phase}}


def event(reason: str, message: str, kind: str = "Warning") -> Event:
    return {"reason": reason, "message": message, "type": kind, "lastTimestamp": "2026-01-01T00:00:00Z"}


NO_CLASS = event("ProvisioningFailed", 'storageclass.storage.k8s.io "fats" not found')
NO_DEFAULT = event(
    "FailedBinding", "no persistent volumes available for this claim and no storage class is set", "Normal"
)
FAILED = event("ProvisioningFailed", 'failed to provision volume with StorageClass "fast": rpc error: out of quota')
WAITS = event("ExternalProvisioning", 'Waiting for a volume by the external provisioner "nobody.example.org"', "Normal")
FOR_POD = event("WaitForFirstConsumer", "waiting for first consumer to be created before binding", "Normal")


@pytest.mark.parametrize(
    ("found", "events", "sentence", "detail"),
    [
        (claim(), [FOR_POD, NO_CLASS], "its storage class does not exist (storage.perPerson.storageClass)", "fats"),
        (claim(), [NO_DEFAULT], "the cluster has no default storage class", "no storage class is set"),
        (claim(), [FAILED], "The volume for your home could not be made.", "out of quota"),
        (claim("Lost"), [], "The volume of your home is gone.", "claim jld-home.ada is Lost"),
        (claim("Bound", deletionTimestamp="2026-01-01T00:00:00Z"), [], "is being deleted", "jld-home.ada"),
        (None, [], "its claim was deleted", ""),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_home_without_a_volume_is_told_with_its_cause(
    found: dict[str, Any] | None, events: list[Event], sentence: str, detail: str, late: bool
) -> None:
    why = volumes.of_claim(found, events, late)
    assert why is not None
    assert (why.reason, why.final) == ("volume", False)
    assert sentence in why.sentence
    assert detail in why.detail
    assert why.sentence.endswith("Tell an administrator of this site.")


@pytest.mark.parametrize("events", [[], [FOR_POD], [WAITS]])
def test_a_volume_that_is_being_made_gets_its_time_and_no_more(events: list[Event]) -> None:
    assert volumes.of_claim(claim(), events, late=False) is None
    why = volumes.of_claim(claim(), events, late=True)
    assert why is not None
    assert why.detail == (
        f"{events[0]['reason']}: {events[0]['message']}" if events else "claim jld-home.ada is Pending"
    )
    assert volumes.of_claim(claim("Bound"), [*events, NO_CLASS], late=True) is None


class Cluster:
    """Answers about one claim, or with trouble."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.api_client = SimpleNamespace(sanitize_for_serialization=lambda document: document)

    async def read_namespaced_persistent_volume_claim(self, name: str, namespace: str) -> dict[str, Any]:
        if self.trouble:
            raise self.trouble
        return claim()

    async def list_namespaced_event(self, namespace: str, field_selector: str) -> Any:
        assert field_selector == "involvedObject.kind=PersistentVolumeClaim,involvedObject.name=jld-home.ada"
        return SimpleNamespace(items=[NO_CLASS])


async def test_what_kubernetes_says_of_the_claim_is_asked(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spawner = make_spawner(own, monkeypatch)
    spawner.api, spawner.pvc_name = Cluster(), "jld-home.ada"
    pod = {"status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "volume binding"}]}}
    of_the_pod = messages.obstacle(pod)
    assert of_the_pod is not None
    for why in (None, of_the_pod, messages.timed_out(60, None, [])):
        told = await spawner.explained(why)
        assert told is not None
        assert "fats" in told.detail
    room = messages.pod_rejected(403, "exceeded quota: jld-lab, requested: pods=1, used: pods=1, limited: pods=1")
    assert await spawner.explained(room) is room


@pytest.mark.parametrize("trouble", [ApiException(status=403), ApiException(status=500), ClientError(), TimeoutError()])
async def test_where_kubernetes_does_not_tell_what_the_pod_tells_stays(trouble: Exception) -> None:
    assert await unbound_home(Cluster(trouble), "science", "jld-home.ada", 1, late=True) is None


async def test_a_claim_that_is_gone_is_told() -> None:
    why = await unbound_home(Cluster(ApiException(status=404)), "science", "jld-home.ada", 1, late=False)
    assert why is not None
    assert "was deleted" in why.sentence


async def test_of_shared_homes_nothing_is_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spawner = make_spawner(settings, monkeypatch)
    why = messages.timed_out(60, None, [])
    assert await spawner.explained(why) is why


@pytest.mark.parametrize(
    "counted",
    ["requests.storage=10Gi", "persistentvolumeclaims=1", "fast.storageclass.storage.k8s.io/requests.storage=10Gi"],
)
def test_a_quota_without_room_for_a_home_is_not_told_as_one_of_labs(counted: str) -> None:
    message = f'persistentvolumeclaims "jld-home.ada" is forbidden: exceeded quota: disks, requested: {counted}, used: x, limited: x'
    why = messages.pod_rejected(403, message)
    assert why.sentence.startswith("There is no room for a home of yours: the quota disks")
    assert (why.reason, why.final) == ("volume", True)


def test_a_quota_of_ephemeral_storage_is_one_of_labs() -> None:
    message = "exceeded quota: jld-lab, requested: requests.ephemeral-storage=10Gi, used: x, limited: x"
    assert messages.pod_rejected(403, message).reason == "quota"
