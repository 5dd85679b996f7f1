"""The whole lab pod, built by the real KubeSpawner from our configuration."""

import json
import os
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jldhub.labs.namespaces.provisioning import NamespaceProvisioner
from jldhub.labs.secret import git_credential
from jldhub.labs.spawner import LabSpawner, complete_pod, spawner_config
from jldhub.labs.start.guarded_spawner import GuardedSpawner
from jldhub.settings.lab import Git, Lab, PodSettings, Push, Quota, Size
from jldhub.settings.names import UserNamespaces
from jldhub.settings.settings import Settings
from jldhub.support.refusal import Refusal
from kubernetes_asyncio.client import ApiClient, V1Secret
from kubespawner import KubeSpawner
from traitlets.config import Config

GOLDEN = Path(__file__).parents[1] / "golden" / "lab-pod.json"

AUTH_STATE = {
    "access_token": "gho_made-up",
    "github_user": {"login": "Ada", "id": 4000001, "name": "Ada Lovelace", "email": "ada@example.org"},
    "organizations": [{"login": "lsst", "id": 5000001}],
}


PEOPLE = UserNamespaces(
    prefix="science-ab12cd",
    labels={"a": "b"},
    owner="science.jld-hub",
    networkPolicy="jld-lab",
    volumes={"home": "science.jld-home"},
)


class FakeApi:
    """Answers as the API server does for what a lab's start asks of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.secrets: dict[tuple[str, str], V1Secret] = {}

    async def read_namespaced_service_account(self, name: str, namespace: str) -> SimpleNamespace:
        self.asked.append((name, namespace))
        return SimpleNamespace(metadata=SimpleNamespace(uid=f"uid-{len(self.asked)}"))

    async def create_namespaced_secret(self, namespace: str, body: V1Secret) -> None:
        self.secrets[namespace, body.metadata.name] = body


def make_spawner(settings: Settings, monkeypatch: pytest.MonkeyPatch, username: str = "ada") -> LabSpawner:
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)

    async def auth_state() -> dict[str, Any]:
        return AUTH_STATE

    user = SimpleNamespace(
        get_auth_state=auth_state, name=username, id=3, url=f"/user/{username}/", escaped_name=username
    )
    hub = SimpleNamespace(
        url="http://jld-hub:8081/hub/", api_url="http://jld-hub:8081/hub/api", base_url="/hub/", public_host=""
    )
    config = Config(spawner_config(settings))
    spawner = LabSpawner(user=user, hub=hub, config=config, public_url="", public_hub_url="")
    spawner.api = FakeApi()
    spawner.api_token = "the lab's own token"
    spawner.start_id = "5ca1ab1e"
    spawner.oauth_client_id = f"jupyterhub-user-{username}"
    spawner.server = SimpleNamespace(base_url=f"/user/{username}/", cookie_name="")
    return spawner


async def make_pod(spawner: LabSpawner, size: str | None = None) -> dict[str, Any]:
    """In the order in which JupyterHub calls."""
    spawner.api.secrets.clear()
    spawner.user_options = {"profile": size} if size else {}
    await spawner.run_auth_state_hook(AUTH_STATE)
    await spawner._run_apply_user_options(spawner.user_options)
    await spawner.load_user_options()
    pod = await complete_pod(spawner, await spawner.get_pod_manifest())
    assert spawner.api.secrets == {}
    pod.metadata.uid = "0a1b"  # as the API server gives one
    await spawner.pod_created(pod)
    pod.metadata.uid = None
    async with ApiClient() as client:
        document: dict[str, Any] = client.sanitize_for_serialization(pod)
    return document


@pytest.fixture
async def pod(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return await make_pod(make_spawner(settings, monkeypatch))


def test_the_pod_is_the_one_that_was_reviewed(pod: dict[str, Any]) -> None:
    """UPDATE_GOLDEN=1 writes the file anew; read the difference before you commit it."""
    pod["spec"]["initContainers"][0]["command"][2] = "<text of jldhub/labs/init_home.py>"
    text = json.dumps(pod, indent=2, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_the_lab_is_restricted(pod: dict[str, Any]) -> None:
    """Pod Security Standards, `restricted`: https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    spec = pod["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds == {"persistentVolumeClaim", "emptyDir", "secret"}
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert len(spec["containers"]) == 1
    security = spec["containers"][0]["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["runAsUser"] >= 1000
    assert security["readOnlyRootFilesystem"] is True
    assert "privileged" not in security
    assert not any("hostPort" in port for port in spec["containers"][0]["ports"])


def test_only_the_home_maker_is_root_and_it_sees_nothing_but_homes(pod: dict[str, Any]) -> None:
    roots = [c for c in pod["spec"]["initContainers"] if c["securityContext"].get("runAsUser") == 0]
    assert [container["name"] for container in roots] == ["home"]
    assert roots[0]["volumeMounts"] == [{"name": "volume-home", "mountPath": "/homes"}]
    assert "env" not in roots[0]
    assert roots[0]["resources"]["limits"]


def test_kubernetes_gives_the_lab_no_token_and_no_service_addresses(pod: dict[str, Any]) -> None:
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["serviceAccountName"] == "jld-lab"


def test_the_lab_runs_as_the_person_in_their_home(pod: dict[str, Any]) -> None:
    container = pod["spec"]["containers"][0]
    assert (container["securityContext"]["runAsUser"], container["securityContext"]["runAsGroup"]) == (4000001, 4000001)
    assert pod["spec"]["securityContext"]["supplementalGroups"] == [5000001]
    assert container["command"] == ["/bin/sh", "/run/jld/jld-lab"]
    assert "args" not in container
    assert {"name": "volume-home", "mountPath": "/home/ada", "subPath": "ada"} in container["volumeMounts"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert (environment["HOME"], environment["USER"]) == ("/home/ada", "ada")
    assert environment["JUPYTERHUB_DEFAULT_URL"] == "/lab"


async def test_labs_are_placed_and_carry_what_the_site_says(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the traits of KubeSpawner, and without touching that by which the hub, policies and hooks find labs."""
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["2"]}]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    own = {**settings.names.lab_labels, "hub.jupyter.org/username": "somebody", "cost-center": "astronomy"}
    lab = settings.hub.lab.model_copy(
        update={
            "pod": PodSettings.model_validate(
                {
                    "affinity": affinity,
                    "priorityClassName": "labs",
                    "topologySpread": [{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
                    "runtimeClassName": "gvisor",
                    "labels": own | dict.fromkeys(settings.names.lab_labels, "other"),
                    "annotations": {"example.org/team": "a", "hub.jupyter.org/username": "somebody"},
                }
            )
        }
    )
    plain = await make_pod(make_spawner(settings, monkeypatch), "small")
    settings = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": lab})})
    spawner = make_spawner(settings, monkeypatch)
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "noisy"}}}
    spawner.pod_anti_affinity_required = [term]

    pod = await make_pod(spawner, "small")
    spec, metadata = pod["spec"], pod["metadata"]
    assert spec["affinity"] == {
        **affinity,
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
    }
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("labs", "gvisor")
    assert spec["topologySpreadConstraints"] == [
        {
            "maxSkew": 2,
            "topologyKey": "zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": settings.names.lab_labels},
        }
    ]
    assert metadata["labels"] == {**plain["metadata"]["labels"], "cost-center": "astronomy"}
    assert metadata["annotations"] == {**plain["metadata"]["annotations"], "example.org/team": "a"}
    assert {"priorityClassName", "runtimeClassName", "affinity", "topologySpreadConstraints"}.isdisjoint(plain["spec"])


async def test_a_size_has_its_nodes_its_gpus_and_its_shared_memory(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = {"cpu": 8, "memory": "48Gi", "gpus": 1, "shmSize": "8Gi", "nodeSelector": {"pool": "gpu"}}
    gpu["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    lab = settings.hub.lab.model_dump(by_alias=True, mode="json", include={"default_size"}) | {
        "sizes": {"small": {"cpu": 1, "memory": "2Gi"}, "gpu": gpu},
        "pod": {
            "nodeSelector": {"pool": "labs", "zone": "a"},
            "tolerations": [{"key": "labs", "operator": "Equal", "value": "yes"}],
        },
    }
    settings = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": Lab.model_validate(lab)})})
    spawner = make_spawner(settings, monkeypatch)
    spawner.node_selector, spawner.extra_resource_limits = {"disk": "ssd"}, {"example.org/fpga": "1"}

    pod = await make_pod(spawner, "gpu")
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd", "pool": "gpu", "zone": "a"}
    assert pod["spec"]["tolerations"] == [
        {"key": "labs", "operator": "Equal", "value": "yes"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]
    assert (
        container["resources"]["limits"]["nvidia.com/gpu"]
        == container["resources"]["requests"]["nvidia.com/gpu"]
        == "1"
    )
    assert container["resources"]["limits"]["example.org/fpga"] == "1"
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(8 * 2**30)}} in pod["spec"]["volumes"]
    assert {"name": "shm", "mountPath": "/dev/shm"} in container["volumeMounts"]

    pod = await make_pod(spawner, "small")
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd", "pool": "labs", "zone": "a"}
    assert "nvidia.com/gpu" not in container["resources"]["limits"]
    assert "shm" not in {volume["name"] for volume in pod["spec"]["volumes"]}


@pytest.mark.parametrize("username", ["ada", "x" * 63, "a--b", "a.b_c-d", "_0", "a-", "octo_cat"])
async def test_home_and_its_maker_agree_on_the_directory(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    pod = await make_pod(make_spawner(settings, monkeypatch, username))
    mount = next(m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == "volume-home")
    assert mount["subPath"] == pod["spec"]["initContainers"][0]["command"][4]
    assert mount["mountPath"] == f"/home/{username}"
    assert len(pod["metadata"]["name"]) <= 63


async def test_people_whose_names_look_alike_have_homes_of_their_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a-b", "a.b", "a_b", "a--b"]
    pods = [await make_pod(make_spawner(settings, monkeypatch, name)) for name in names]
    assert len({pod["spec"]["initContainers"][0]["command"][4] for pod in pods}) == len(names)
    assert len({pod["metadata"]["name"] for pod in pods}) == len(names)


async def test_the_chosen_size_is_the_size_of_the_lab(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = await make_pod(make_spawner(settings, monkeypatch), "large")
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": 4.0, "memory": 8 * 2**30, "ephemeral-storage": str(10 * 2**30 + 2**28)},
        "requests": {"cpu": 1.0, "memory": 2 * 2**30, "ephemeral-storage": "64Mi"},
    }


@pytest.mark.parametrize("quota", [Quota(cpu=104), Quota(memory="208Gi")])
async def test_with_a_quota_and_only_then_a_lab_has_the_deadline_by_which_the_quota_finds_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, quota: Quota
) -> None:
    lab = settings.hub.lab.model_copy(update={"quota": quota})
    limited = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": lab})})
    free, counted = [await make_pod(make_spawner(each, monkeypatch)) for each in (settings, limited)]
    assert "activeDeadlineSeconds" not in free["spec"]
    assert counted["spec"].pop("activeDeadlineSeconds") == 2**31 - 1  # the most that the API takes
    assert counted["spec"] == free["spec"]


async def test_a_second_start_without_a_choice_has_the_default_size(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    await make_pod(spawner, "large")
    pod = await make_pod(spawner)
    assert pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] == 1.0


@pytest.mark.parametrize("options", [{"profile": "huge"}, {"profile": ["tiny"]}, {"profile": 7}, ["tiny"], "tiny", 7])
async def test_a_choice_that_was_not_offered_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, options: Any
) -> None:
    """The REST API takes any JSON as options."""
    spawner = make_spawner(settings, monkeypatch)
    await spawner.run_auth_state_hook(AUTH_STATE)
    with pytest.raises(Refusal, match=r"There is no lab size|are an object") as refused:
        await spawner._run_apply_user_options(options)
    assert refused.value.status_code == 400


async def test_choices_for_one_start_are_not_those_of_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    options = await spawner.run_options_from_form(
        {"_xsrf": ["x"], "profile": ["tiny"], "environment": ["all"], "debug": ["on"]}
    )
    assert options == {"profile": "tiny", "environment": "all", "debug": True}
    spawner.orm_spawner = SimpleNamespace(user_options=options, server=None, name="")
    spawner.user_options = options
    await spawner._run_apply_user_options(options)
    assert spawner.get_env()["JLD_ENVIRONMENT"] == "all"
    assert spawner.orm_spawner.user_options == {"profile": "tiny"}


async def test_who_left_a_group_after_the_page_was_drawn_does_not_get_its_size(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = Size.model_validate({"cpu": 16, "memory": "64Gi", "groups": ["lsst"]})
    lab = settings.hub.lab.model_copy(update={"sizes": settings.hub.lab.sizes | {"huge": huge}})
    limited = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": lab})})
    spawner = make_spawner(limited, monkeypatch)
    assert await spawner.run_options_from_form({"profile": ["huge"]}) == {"profile": "huge"}
    monkeypatch.setattr(f"{__name__}.AUTH_STATE", AUTH_STATE | {"organizations": []})
    with pytest.raises(Refusal, match="is for members of lsst"):
        await spawner.run_options_from_form({"profile": ["huge"]})
    await spawner.run_auth_state_hook(AUTH_STATE)
    with pytest.raises(Refusal, match="is for members of lsst"):  # a start through the API meets no form
        await spawner._run_apply_user_options({"profile": "huge"})


async def test_the_owner_is_the_service_account_of_its_namespace(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    assert (await make_pod(spawner))["metadata"]["ownerReferences"][0]["uid"] == "uid-1"
    assert spawner.api.asked == [("jld-lab", "science")]


@pytest.mark.parametrize("name", ["ada", "a-", "jane@b.edu", "x" * 60])
@pytest.mark.parametrize(
    "text", ["", "/lab", "a-", "{username}", "{username}--{servername}", "{{x}}", "{unescaped_username}-"]
)
async def test_texts_of_the_pod_become_what_kubespawner_makes_of_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    spawner = make_spawner(settings, monkeypatch, name)
    assert spawner._expand_user_properties(text) == KubeSpawner._expand_user_properties(spawner, text)


async def test_the_settings_are_not_copied_for_each_spawner(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_spawner(settings, monkeypatch).settings is settings


def event(name: str, about: str, at: str) -> dict[str, Any]:
    return {"metadata": {"uid": name}, "involvedObject": {"uid": about}, "lastTimestamp": at, "eventTime": None}


async def test_the_events_of_a_start_are_those_of_its_pod_in_the_order_of_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        event("late", "0a1b", "2026-01-01T00:02"),
        event("other", "9", "2026"),
        event("early", "0a1b", "2026-01-01"),
    ]
    reflector = SimpleNamespace(resources={each["metadata"]["uid"]: each for each in events})
    monkeypatch.setattr(LabSpawner, "event_reflector", reflector)
    spawner = make_spawner(settings, monkeypatch)
    assert spawner.events == []  # of no pod, before the start has one
    pod = SimpleNamespace(metadata=SimpleNamespace(uid="0a1b", name="jld-lab-ada"))
    spawner.files = {}
    await spawner._created(pod)  # type: ignore[arg-type]
    assert [each["metadata"]["uid"] for each in spawner.events] == ["early", "late"]


async def test_without_provisioning_of_homes_nothing_in_the_pod_is_root(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = settings.hub.lab.model_copy(update={"provision_homes": False})
    changed = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": lab})})
    spec = (await make_pod(make_spawner(changed, monkeypatch)))["spec"]
    assert not spec.get("initContainers")
    assert spec["securityContext"]["runAsNonRoot"] is True


async def test_a_sites_gpus_stand_beside_the_labs_own_resources(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    spawner.extra_resource_limits = {"nvidia.com/gpu": "1"}
    limits = (await make_pod(spawner))["spec"]["containers"][0]["resources"]["limits"]
    assert set(limits) == {"cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"}


def files(spawner: LabSpawner) -> dict[str, str]:
    """What the lab's Secret holds."""
    (secret,) = spawner.api.secrets.values()
    return {name: b64decode(value).decode() for name, value in secret.data.items()}


async def test_no_token_is_in_the_pods_description(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spawner = make_spawner(settings, monkeypatch)
    text = json.dumps(await make_pod(spawner))
    for secret in ("the lab's own token", "gho_made-up", "API_TOKEN", files(spawner)["git-credential"].split()[2]):
        assert secret not in text


async def test_the_tokens_are_files_of_a_secret_of_this_start_that_goes_with_the_pod(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    pod = await make_pod(spawner)
    ((place, secret),) = spawner.api.secrets.items()
    assert place == ("science", "jld-lab-ada-5ca1ab1e")
    (volume,) = [each["secret"] for each in pod["spec"]["volumes"] if each["name"] == "files"]
    assert (volume["secretName"], volume["defaultMode"]) == ("jld-lab-ada-5ca1ab1e", 0o444)
    # The kubelet makes nothing of a volume that names a key which is not there.
    assert {item["key"] for item in volume["items"]} == set(secret.data)
    owners = [(owner.kind, owner.name, owner.uid) for owner in secret.metadata.owner_references]
    assert owners == [("Pod", "jld-lab-ada", "0a1b")]
    assert files(spawner)["hub-token"] == "the lab's own token"
    mounts = {
        mount["mountPath"]: mount.get("subPath", "")
        for mount in pod["spec"]["containers"][0]["volumeMounts"]
        if mount["name"] == "files"
    }
    assert mounts == {"/run/jld": "", "/etc/ipython/ipython_config.py": "ipython_config.py"} | {
        f"/etc/{name}": name for name in ("passwd", "group", "gitconfig")
    }
    assert set(mounts.values()) - {""} <= {item["path"] for item in volume["items"]}


async def test_a_token_that_was_replaced_or_withdrawn_does_not_linger(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = make_spawner(settings, monkeypatch)
    seen = []
    for state in (AUTH_STATE, AUTH_STATE | {"access_token": "gho_newer"}, AUTH_STATE | {"access_token": None}):
        monkeypatch.setattr(f"{__name__}.AUTH_STATE", state)
        await make_pod(spawner)
        seen.append(files(spawner)["git-credential"])
    assert seen == [git_credential("gho_made-up"), git_credential("gho_newer"), ""]
    assert "credential" not in files(spawner)["gitconfig"]


async def test_a_lab_that_may_not_push_gets_no_token_of_github(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = settings.hub.lab.model_copy(update={"git": Git(push=Push.NONE)})
    without = settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": lab})})
    spawner = make_spawner(without, monkeypatch)
    await make_pod(spawner)
    assert files(spawner)["git-credential"] == ""
    assert files(spawner)["gitconfig"] == '[user]\n\tname = "Ada Lovelace"\n\temail = "ada@example.org"\n'


async def test_a_login_whose_state_is_lost_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spawner = make_spawner(settings, monkeypatch)
    with pytest.raises(Refusal, match="Log out and log in again") as refused:
        await spawner.run_auth_state_hook(None)
    assert refused.value.status_code == 403


async def test_a_trial_login_has_its_own_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = settings.hub.auth.model_validate({"dummy": {"users": ["ada"]}})
    hub = settings.hub.model_copy(update={"auth": auth})
    spawner = make_spawner(settings.model_copy(update={"hub": hub}), monkeypatch)
    pod = await make_pod(spawner)
    assert pod["spec"]["containers"][0]["securityContext"]["runAsUser"] == 100003
    assert "supplementalGroups" not in pod["spec"]["securityContext"]


async def test_in_a_namespace_of_its_own_a_lab_mounts_the_claims_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = settings.names.model_copy(update={"user_namespaces": PEOPLE})
    spawner = make_spawner(settings.model_copy(update={"names": names}), monkeypatch)
    settled = []

    async def provision(self: NamespaceProvisioner, namespace: str, *_: object) -> dict[str, str]:
        settled.append(namespace)
        return {"home": "jld-home-0123456789"}

    monkeypatch.setattr(NamespaceProvisioner, "provision", provision)
    spawner.api.api_client = None
    pod = await make_pod(spawner)
    assert settled == [spawner.namespace] == ["science-ab12cd-ada"]
    claims = [
        each["persistentVolumeClaim"]["claimName"] for each in pod["spec"]["volumes"] if "persistentVolumeClaim" in each
    ]
    assert claims == ["jld-home-0123456789"]
    assert spawner.api.asked == [("jld-lab", "science-ab12cd-ada")]
    assert {place for place, _ in spawner.api.secrets} == {"science-ab12cd-ada"}


@pytest.mark.parametrize("username", ["ada", "a.b_c-d", "x" * 63, "a-"])
async def test_a_lab_starts_where_the_site_wants_it_now(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    """What the hub kept of a lab names its namespace, also after the site has changed `global.userNamespaces`."""
    names = settings.names.model_copy(update={"user_namespaces": PEOPLE})
    of_people = settings.model_copy(update={"names": names})
    started = []

    async def start(self: GuardedSpawner) -> str:
        started.append(self.namespace)
        return ""

    monkeypatch.setattr(GuardedSpawner, "start", start)
    fresh = [make_spawner(each, monkeypatch, username).namespace for each in (settings, of_people)]
    for each in (settings, of_people):
        spawner = make_spawner(each, monkeypatch, username)
        spawner.load_state({"pod_name": "jld-lab-x", "namespace": "elsewhere"})
        assert spawner.namespace == "elsewhere"  # where it is looked for while it runs
        await spawner.start()
    assert started == fresh


async def test_each_start_has_the_authorities_of_then(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spawner = make_spawner(settings.model_copy(update={"trust_directory": tmp_path}), monkeypatch)
    seen = []
    for text in ("one", "two\n"):
        (tmp_path / "ca.crt").write_text(text)
        await make_pod(spawner)
        seen.append(files(spawner)["ca.crt"])

    assert seen == ["one", "two\n"]
