"""What a site adds to labs: `hub.lab.environment`, `files`, `volumes`, and the containers and hooks of `hub.lab.pod`."""

import json
from base64 import b64decode
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.rules.additions.parts import LABS, PREFIXES
from jldhub.images.registry.reference import Repository
from jldhub.labs.additions import site_environment, site_files, site_mounts, site_volumes
from jldhub.labs.environment import lab_environment
from jldhub.labs.menu.images import ChosenImage, image_environment
from jldhub.labs.namespaces.provisioning import NamespaceProvisioner, NamespaceUnusable
from jldhub.labs.pod import lab_mounts, lab_volumes, person_mounts
from jldhub.settings.lab import Lab, Size
from jldhub.settings.names import Volume
from jldhub.settings.pods.additions import PodAdditions
from jldhub.settings.settings import Settings, SettingsError
from kubernetes_asyncio.client import ApiClient, ApiException

from .test_spawner import make_pod, make_spawner

SIZE = Size(cpu=1, memory="4Gi")  # type: ignore[arg-type]
BRACES = "echo {started} ${X:-{}} > /tmp/x -"


def with_lab(settings: Settings, **added: Any) -> Settings:
    lab = {"sizes": {"small": {"cpu": 1, "memory": "2Gi"}, "gpu": {"cpu": 1, "memory": "8Gi", "shmSize": "4Gi"}}}
    document = {**lab, "defaultSize": "small", **added}
    return settings.model_copy(update={"hub": settings.hub.model_copy(update={"lab": Lab.model_validate(document)})})


def variables(container: Mapping[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


async def test_variables_are_in_the_lab_as_they_were_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"A": "x", "JSON": '{"a": {}}-', "DB": {"secret": "database", "key": "password"}, "GONE": None}
    spawner = make_spawner(with_lab(settings, environment=environment), monkeypatch)
    for _ in range(2):  # KubeSpawner writes into what it is given
        pod = await make_pod(spawner)
        found = variables(pod["spec"]["containers"][0])
        assert (found["A"], found["JSON"]) == ("x", '{"a": {}}-')
        assert found["DB"] == {"secretKeyRef": {"name": "database", "key": "password"}}
        assert "GONE" not in found


async def test_jlds_own_variables_and_a_sites_traits_win(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = make_spawner(settings, monkeypatch)
    own = variables((await make_pod(plain))["spec"]["containers"][0])
    names = list(lab_environment(settings))
    spawner = make_spawner(with_lab(settings, environment=dict.fromkeys(names, "mine") | {"TZ": "a"}), monkeypatch)
    spawner.environment = {**spawner.environment, "TZ": "b"}
    found = variables((await make_pod(spawner))["spec"]["containers"][0])
    assert {name: found[name] for name in names} == {name: own[name] for name in names}
    assert found["TZ"] == "b"


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), st.text(max_size=30), max_size=4))
def test_a_text_reaches_the_lab_whatever_it_holds(environment: dict[str, str]) -> None:
    made = site_environment(PodAdditions(environment=environment))
    assert {name: value(None) for name, value in made.items()} == environment


async def test_texts_of_files_are_in_the_labs_own_secret_and_others_are_mounted_from_theirs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "text of the site: é {x}\n"
    files = {"/etc/a/b": text, "/etc/a.b": "other", "/etc/key.pem": {"secret": "grid", "key": "k"}}
    spawner = make_spawner(with_lab(settings, files=files), monkeypatch)
    pod = await make_pod(spawner)
    assert "text of the site" not in json.dumps(pod, ensure_ascii=False)
    (secret,) = spawner.api.secrets.values()
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    items = {each["path"]: each["key"] for each in volumes["files"]["secret"]["items"]}
    for path in ("/etc/a/b", "/etc/a.b"):
        assert (mounts[path]["name"], mounts[path]["readOnly"]) == ("files", True)
        assert b64decode(secret.data[items[mounts[path]["subPath"]]]).decode() == files[path]
    (source,) = volumes["secret-files"]["projected"]["sources"]
    assert source["secret"]["name"] == "grid"
    assert source["secret"]["items"] == [{"key": "k", "path": mounts["/etc/key.pem"]["subPath"]}]
    assert volumes["secret-files"]["projected"]["defaultMode"] == 0o444


PATHS = st.lists(st.from_regex(r"(/[a-z.]{1,60}){1,4}", fullmatch=True), max_size=6, unique=True)


@given(PATHS)
def test_each_file_has_a_key_of_its_own_that_a_secret_takes(paths: list[str]) -> None:
    added = PodAdditions(files=dict.fromkeys(paths, "x"))
    keys = list(site_files(added))
    assert len(set(keys)) == len(paths)
    assert all(len(key) <= 253 and key.replace("-", "").isalnum() for key in keys)
    assert {mount["subPath"] for mount in site_mounts(added)} == set(keys)


VOLUMES = {
    "models": {"mountPath": "/models", "readOnly": True, "subPath": "v2", "persistentVolumeClaim": {"claimName": "m"}},
    "scratch": {"mountPath": "/fast", "emptyDir": {"sizeLimit": "20Gi"}},
    "memory": {"mountPath": "/memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
    "drive": {"mountPath": "/drive", "csi": {"driver": "x", "volumeAttributes": {"a": "{b}-"}}},
}


async def test_volumes_are_mounted_and_the_disk_that_they_fill_is_the_labs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = await make_pod(make_spawner(with_lab(settings, volumes=VOLUMES), monkeypatch))
    container = pod["spec"]["containers"][0]
    assert {"name": "models", "mountPath": "/models", "readOnly": True, "subPath": "v2"} in container["volumeMounts"]
    assert {"name": "drive", **{"csi": VOLUMES["drive"]["csi"]}} in pod["spec"]["volumes"]
    # /tmp, the log, and the further volume on the disk; what is in memory is no disk
    assert container["resources"]["limits"]["ephemeral-storage"] == str((10 + 20) * 2**30 + 2**28)


@pytest.mark.parametrize(("size", "limit"), [("small", "2Gi"), ("gpu", str(4 * 2**30))])
async def test_a_size_says_how_much_shared_memory_there_is_and_else_the_site(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, size: str, limit: str
) -> None:
    shared = {"own": {"mountPath": "/dev/shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}}
    pod = await make_pod(make_spawner(with_lab(settings, volumes=shared), monkeypatch), size)
    mounts = [each for each in pod["spec"]["containers"][0]["volumeMounts"] if each["mountPath"] == "/dev/shm"]
    assert mounts == [{"name": "own", "mountPath": "/dev/shm"}]
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] in ("own", "shm")]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": limit}


async def test_containers_and_hooks_are_the_sites_words_and_restricted_as_the_person(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lenient = {"runAsUser": 7, "readOnlyRootFilesystem": False}
    added = {
        "initContainers": [{"name": "fetch", "image": "a", "command": ["sh", "-c", BRACES]}],
        "containers": [
            {"name": "proxy", "image": "b", "resources": {"limits": {"cpu": "1"}}, "securityContext": lenient}
        ],
        "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", BRACES]}}},
    }
    spawner = make_spawner(with_lab(settings, pod=added), monkeypatch)
    spawner.init_containers = [{"name": "of-traits", "image": "c"}]
    spec = (await make_pod(spawner))["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["home", "fetch", "of-traits"]
    assert [each["name"] for each in spec["containers"]] == ["notebook", "proxy"]
    notebook, proxy = spec["containers"]
    fetch = spec["initContainers"][1]
    assert fetch["command"] == ["sh", "-c", BRACES]
    assert notebook["lifecycle"]["postStart"]["exec"]["command"] == ["sh", "-c", BRACES]
    assert fetch["securityContext"] == notebook["securityContext"]
    assert {"cpu", "memory"} <= fetch["resources"]["limits"].keys() & fetch["resources"]["requests"].keys()
    assert proxy["securityContext"] == notebook["securityContext"] | lenient
    assert proxy["resources"] == {"limits": {"cpu": "1"}}


def test_the_names_that_jld_has_in_a_lab_are_those_that_the_tool_refuses(settings: Settings) -> None:
    """Rows that would be missing when a lab gets one more variable, volume or mount."""
    volumes = {"home": Volume(claim="a", mountPath="/home")}
    chosen = ChosenImage(Repository("a", "b"), "c", "sha256:d", "e")
    names = {*lab_environment(settings), *image_environment(chosen)}
    assert {name for name in names if not name.startswith((*PREFIXES, "FIREFLY_"))} - LABS.variables.keys() == set()
    with_file = PodAdditions.model_validate({"files": {"/etc/x": {"secret": "a", "key": "b"}}})
    own = {each["name"] for each in (*lab_volumes(volumes, 1), *site_volumes(with_file, SIZE))} | {"files"}
    assert {name for name in own if not name.startswith("volume-")} == LABS.volumes
    mounts = {each["mountPath"] for each in (*lab_mounts(volumes), *person_mounts("/home/ada", "ada"))}
    assert mounts - {"/home/ada"} == LABS.mounts.keys()


@pytest.mark.parametrize("sources", [{}, {"configMap": {"name": "a"}, "secret": {"secretName": "b"}}])
def test_a_volume_without_exactly_one_source_stops_the_hub(settings_document: dict[str, Any], sources: Any) -> None:
    document = deepcopy(settings_document)
    document["hub"]["lab"]["volumes"] = {"a": {"mountPath": "/a", **sources}}
    with pytest.raises(SettingsError, match=r"hub.lab.volumes.a: a volume has one of configMap, secret"):
        Settings.parse(document)


def test_each_secret_that_labs_read_is_named_once() -> None:
    added = {
        "environment": {"A": {"secret": "a", "key": "k"}, "B": "text"},
        "files": {"/etc/x": {"secret": "a", "key": "l"}, "/etc/y": {"secret": "b", "key": "k"}},
        "volumes": {
            "c": {"mountPath": "/c", "secret": {"secretName": "c"}},
            "d": {"mountPath": "/d", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "d"}}},
        },
    }
    assert PodAdditions.model_validate(added).secrets == ["a", "b", "c", "d"]


@pytest.mark.parametrize("status", [404, 403])
async def test_a_secret_that_the_hub_cannot_copy_is_told(status: int) -> None:
    async def read(*_: Any, **__: Any) -> Any:
        raise ApiException(status=status)

    async with ApiClient() as client:
        provisioner = NamespaceProvisioner(client, 1)
        provisioner._core.read_namespaced_secret = read
        with pytest.raises(NamespaceUnusable, match="every lab of this site gets is not there: the Secret database"):
            await provisioner._copied_secret("database", "science")
