"""Firefly in the chart: nothing where it is off, and one whole where it is on."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import CHART, Object, Pod, Question, Render, plain_name, refusal, render

ON = ("firefly.enabled=true", 'firefly.secret.adminPassword="c2VjcmV0"')


def firefly(rendered: Render) -> Pod:
    (found,) = [pod for pod in rendered.pods if pod.component == "firefly"]
    return found


def names(rendered: Render) -> set[str]:
    return set(by_name(rendered))


def by_name(rendered: Render) -> dict[str, Object]:
    return {f"{each['kind']}/{plain_name(each)}": each for each in rendered.objects}


def test_it_adds_its_own_objects_and_changes_the_hubs_settings_alone(values: dict[str, Path]) -> None:
    off, on = render(Question(values["minimal"])), render(Question(values["minimal"], ON))
    kept, now = by_name(off), by_name(on)
    changed = {name for name in kept.keys() & now.keys() if now[name] != kept[name]}

    assert names(on) - names(off) == {
        "ConfigMap/jld-firefly",
        "Deployment/jld-firefly",
        "NetworkPolicy/jld-firefly",
        "Secret/jld-firefly",
        "Service/jld-firefly",
    }
    assert names(off) - names(on) == set()
    # The hub tells the front door of it, which is not replaced.
    assert changed == {"ConfigMap/jld-hub-settings", "Deployment/jld-hub"}


def test_the_hub_is_told_the_way(values: dict[str, Path]) -> None:
    def told(*changes: str) -> Any:
        return render(Question(values["minimal"], changes)).settings()["names"].get("firefly")

    assert told() is None
    assert told(*ON) == {"route": "/firefly", "url": "http://jld-firefly:8080"}
    assert told(*ON, 'firefly.route="/portal/firefly"')["route"] == "/portal/firefly"


def environment(pod: Pod) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod.containers[0]["env"]}


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ((), "JAVA_OPTS", "-Xmx3g"),
        (('firefly.javaMemory="3277Mi"',), "JAVA_OPTS", "-Xmx3277m"),
        ((), "PATH_PREFIX", ""),
        (('firefly.route="/a/b/firefly"',), "PATH_PREFIX", "/a/b"),
        ((), "VISUALIZE_FITS_SEARCH_PATH", ""),
        ((), "WORK_AREA", ""),
    ],
)
def test_the_image_is_told_in_its_own_words(
    values: dict[str, Path], changes: tuple[str, ...], name: str, value: str
) -> None:
    assert environment(firefly(render(Question(values["minimal"], (*ON, *changes)))))[name] == value


def test_probes_ask_for_its_health_wherever_it_is(values: dict[str, Path]) -> None:
    (container,) = firefly(render(Question(values["everything"]))).containers
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}

    assert set(map(str, probes.values())) == {str({"path": "/portal/firefly/healthz", "port": "http"})}


def test_it_sees_the_volumes_that_it_is_given_where_labs_see_them(values: dict[str, Path]) -> None:
    pod = firefly(render(Question(values["everything"])))
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod.spec["volumes"]
        if "persistentVolumeClaim" in volume
    }
    mounts = {
        claims[mount["name"]]: (mount["mountPath"], mount["readOnly"])
        for mount in pod.containers[0]["volumeMounts"]
        if mount["name"] in claims
    }

    assert mounts == {"jld-scratch": ("/scratch", False), "datasets": ("/datasets", True)}
    assert environment(pod)["VISUALIZE_FITS_SEARCH_PATH"] == "/scratch:/datasets"
    assert environment(pod)["WORK_AREA"] == "/scratch/firefly"


def test_no_group_is_given_to_shared_files(values: dict[str, Path]) -> None:
    security = firefly(render(Question(values["firefly"]))).spec["securityContext"]

    assert security == {
        "runAsNonRoot": True,
        "runAsUser": 91,
        "runAsGroup": 91,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_password_is_kept_and_comes_as_a_file(values: dict[str, Path]) -> None:
    rendered = render(Question(values["firefly"]))
    password = yaml.safe_load(values["firefly"].read_text())["firefly"]["secret"]["adminPassword"]

    assert rendered.one("Secret", "jld-firefly")["data"] == {"adminPassword": password}
    assert len(base64.b64decode(password)) >= 32
    assert "adminPassword" in (CHART / "charts/firefly/files/start.sh").read_text()


def test_a_secret_of_ones_own_takes_the_place_of_the_password(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    (volume,) = [each["secret"] for each in firefly(rendered).spec["volumes"] if "secret" in each]

    assert volume["secretName"] == "firefly-admin"
    assert "Secret/jld-firefly" not in names(rendered)


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (3, 1)])
def test_several_copies_are_drained_one_at_a_time(values: dict[str, Path], replicas: int, budgets: int) -> None:
    rendered = render(Question(values["firefly"], (f"firefly.replicas={replicas}",)))

    assert rendered.one("Deployment", "jld-firefly")["spec"]["replicas"] == replicas
    found = [each for each in rendered.of_kind("PodDisruptionBudget") if each["metadata"]["name"] == "jld-firefly"]
    assert len(found) == budgets


@pytest.mark.parametrize(
    "change",
    [
        "firefly.enabled=true",  # and no password
        'firefly.enabled="yes"',
        'firefly.route="/firefly/"',
        'firefly.route="/other"',
        'firefly.route="/hub/firefly"',
        'firefly.route="/user/ada/firefly"',
        'firefly.route="//firefly"',
        'firefly.route="/a;return 200/firefly"',
        'firefly.javaMemory="3G"',
        'firefly.javaMemory="3Gi -XX:OnError=id"',
        'firefly.searchPath=["../etc"]',
        'firefly.searchPath=["/scratch:/etc"]',
        'firefly.workArea="/scratch/$(id)"',
        'firefly.image.repository="firefly"',
        'firefly.image.tag=""',
        "firefly.replicas=0",
    ],
)
def test_helm_refuses(values: dict[str, Path], change: str) -> None:
    changes = (change,) if change == "firefly.enabled=true" else (*ON, change)

    assert "firefly" in refusal(Question(values["minimal"], changes))


def test_several_copies_need_a_work_area_that_they_share(values: dict[str, Path]) -> None:
    assert "workArea" in refusal(Question(values["minimal"], (*ON, "firefly.replicas=2")))
