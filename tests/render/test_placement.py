"""Where pods run and what they carry: `global.pod`, `pod` of each part, and `hub.lab.pod`, for every pod that the chart renders."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jldhub.identity import Identity
from jldhub.labs.menu.sizes import size_profiles
from jldhub.labs.placing import lab_gpus, node_selector, tolerations
from jldhub.settings.lab import Lab
from jldhub.settings.quantities import parse_cpu, parse_memory
from rendering import CHART, SITES, Object, Pod, Question, Render, refusal, render

PARTS = {
    "hub": {"hub"},
    "nginx": {"nginx"},
    "firefly": {"firefly"},
    "prepuller": {"prepuller"},
    "storage": {"file-server", "storage-hooks", "keepalive", "backup"},
    "logging": {"relay", "logstash"},
    "global": {"test"},  # of no part
}
# Every node has logs: it takes nothing that would keep it from one.
EVERYWHERE = {"filebeat": {"priorityClassName", "labels", "annotations"}}
WORKLOAD = re.compile(r"^kind: (Deployment|DaemonSet|StatefulSet|Job|CronJob|Pod)$", re.MULTILINE)


def vocabulary(word: str) -> dict[str, Any]:
    wish = {"weight": 1, "preference": {"matchExpressions": [{"key": word, "operator": "Exists"}]}}
    return {
        "nodeSelector": {"pool": word},
        "tolerations": [{"key": word, "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}},
        "priorityClassName": word,
        "topologySpread": [{"maxSkew": 1, "topologyKey": word, "whenUnsatisfiable": "DoNotSchedule"}],
        "runtimeClassName": word,
        "labels": {"example.org/whose": word},
        "annotations": {"example.org/whose": word},
    }


ALL, OWN, LABS = vocabulary("all"), vocabulary("own"), vocabulary("labs")


def setting(**pods: Any) -> tuple[str, ...]:
    """Changes that give these their `pod`, and take it from every other part."""
    keys = {part: f"{part}.pod" for part in PARTS} | {"labs": "hub.lab.pod", "nfs": "storage.nfs.pod"}
    keys["filebeat"] = "logging.filebeat.pod"
    return tuple(f"{key}={json.dumps(pods.get(part, {}))}" for part, key in keys.items())


def with_own(key: str, of_labs: Any, size: Object) -> Any:
    """A size has selectors and tolerations of its own besides."""
    match key:
        case "nodeSelector":
            return of_labs | size.get(key, {})
        case "tolerations":
            return of_labs + size.get(key, [])
    return of_labs


def has(pod: Pod, key: str, value: Any) -> bool:
    match key:
        case "labels":
            return bool(value.items() <= pod.labels.items())
        case "annotations":
            return bool(value.items() <= pod.annotations.items())
        case "affinity":
            return bool(value.items() <= pod.spec.get("affinity", {}).items())
        case "topologySpread":
            selector = {key: each for key, each in pod.labels.items() if key in BY_WHICH_PODS_ARE_FOUND}
            counted = {"labelSelector": {"matchLabels": selector}, "matchLabelKeys": ["pod-template-hash"]}
            return bool(pod.spec.get("topologySpreadConstraints") == [each | counted for each in value])
        case _:
            return bool(pod.spec.get(key) == value)


BY_WHICH_PODS_ARE_FOUND = {f"app.kubernetes.io/{each}" for each in ("name", "instance", "component")}


@pytest.mark.parametrize("key", ALL)
@pytest.mark.parametrize("name", SITES)
def test_every_pod_takes_what_is_for_all_and_what_goes_where_labs_go_what_is_theirs(
    values: dict[str, Path], name: str, key: str
) -> None:
    rendered = render(Question(values[name], setting(**{"global": ALL, "labs": LABS})))
    sizes = rendered.settings()["hub"]["lab"]["sizes"]
    wrong = []
    for pod in rendered.pods:
        held = pod.component.startswith("placeholder-")
        size = sizes[pod.component.removeprefix("placeholder-")] if held else {}
        if held and key == "priorityClassName":
            expected = pod.spec[key] == "science.jld-placeholder"
        elif key in EVERYWHERE.get(pod.component, ALL):
            expected = has(pod, key, with_own(key, LABS[key], size) if held else ALL[key])
        else:
            expected = {key, "topologySpreadConstraints"}.isdisjoint({*pod.spec} - {"tolerations"})
        if not expected:
            wrong.append(pod.name)
    assert wrong == []


def test_every_template_of_a_pod_is_among_the_examples(values: dict[str, Path]) -> None:
    rendered = "".join(render(Question(values[name])).text for name in SITES)
    with_pods = [file for file in CHART.rglob("templates/**/*.yaml") if WORKLOAD.search(file.read_text())]

    assert len(with_pods) > 10
    assert [file.name for file in with_pods if f"# Source: jld/{file.relative_to(CHART)}" not in rendered] == []


@pytest.mark.parametrize("part", [part for part in PARTS if part != "global"])
@pytest.mark.parametrize("name", ["everything", "logstash"])
def test_a_part_says_otherwise_key_by_key(values: dict[str, Path], name: str, part: str) -> None:
    """Here every other key; the labels and annotations of both are merged."""
    own = dict(list(OWN.items())[::2]) | {"labels": {"example.org/part": part}, "annotations": {"example.org/b": part}}
    rendered = render(Question(values[name], setting(**{"global": ALL, "labs": LABS, part: own})))
    merged = {key: ALL[key] | own[key] for key in ("labels", "annotations")}

    for pod in rendered.pods:
        if pod.component in EVERYWHERE or pod.component.startswith("placeholder-"):
            continue
        expected = ALL | own | merged if pod.component in PARTS[part] else ALL
        assert [key for key, value in expected.items() if not has(pod, key, value)] == [], pod.name
        assert ("example.org/part" in pod.labels) is (pod.component in PARTS[part])


def test_the_file_server_and_filebeat_say_otherwise_than_their_parts(values: dict[str, Path]) -> None:
    pods = {"global": ALL, "storage": LABS, "logging": LABS, "nfs": OWN, "filebeat": OWN}
    rendered = {pod.component: pod for pod in render(Question(values["everything"], setting(**pods))).pods}

    for component, expected in (("file-server", OWN), ("filebeat", OWN), ("keepalive", LABS), ("relay", LABS)):
        assert [key for key, value in expected.items() if not has(rendered[component], key, value)] == []


def test_an_empty_word_takes_away_what_is_for_all(values: dict[str, Path]) -> None:
    nothing = {key: type(value)() for key, value in ALL.items()}
    (pod,) = [
        each
        for each in render(Question(values["minimal"], setting(**{"global": ALL, "hub": nothing}))).pods
        if each.component == "hub"
    ]

    assert {*ALL, "topologySpreadConstraints"}.isdisjoint(pod.spec)


def test_by_itself_nothing_but_spreading_is_said(values: dict[str, Path]) -> None:
    for pod in render(Question(values["minimal"])).pods:
        assert set(ALL).isdisjoint(pod.spec)
        (spread,) = pod.spec["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")


def accounts(rendered: Render) -> dict[str, dict[str, str]]:
    found = rendered.of_kind("ServiceAccount")
    return {each["metadata"]["name"].removeprefix("jld-"): each["metadata"].get("annotations", {}) for each in found}


def test_service_accounts_have_the_annotations_of_their_pods(values: dict[str, Path]) -> None:
    def role(word: str) -> dict[str, Any]:
        return {"serviceAccount": {"annotations": {"example.org/role": word}}}

    pods = {"global": role("all"), "labs": role("labs"), "storage": role("storage"), "filebeat": role("filebeat")}
    found = accounts(render(Question(values["everything"], setting(**pods))))

    assert {name: annotations.get("example.org/role") for name, annotations in found.items()} == {
        **{"hub": "all", "prepuller": "all", "lab": "labs", "storage-drain": "storage", "filebeat": "filebeat"},
        "purge": None,  # in a namespace of its own, for pods that may nothing
    }
    assert found["storage-drain"]["helm.sh/hook"] == "pre-delete"


@pytest.mark.parametrize("place", ["global.pod", "hub.lab.pod"])
@pytest.mark.parametrize(
    ("key", "name"),
    [
        *(("labels", name) for name in sorted(BY_WHICH_PODS_ARE_FOUND)),
        *(("labels", name) for name in ("component", "hub.jupyter.org/username", "jld.lsst.org/release-namespace")),
        *(("annotations", name) for name in ("helm.sh/hook", "checksum/secret", "jld.lsst.org/pulls")),
        *(("serviceAccount", name) for name in ("helm.sh/hook", "meta.helm.sh/release-name")),
    ],
)
def test_that_by_which_pods_are_found_is_not_a_sites(values: dict[str, Path], place: str, key: str, name: str) -> None:
    value = {"annotations": {name: "x"}} if key == "serviceAccount" else {name: "x"}

    assert f"invalid propertyName '{name}'" in refusal(
        Question(values["minimal"], (f"{place}.{key}={json.dumps(value)}",))
    )


SIZES = {
    "small": {"cpu": 1, "memory": "2Gi", "guaranteedCpu": 0.25, "guaranteedMemory": "512Mi"},
    "gpu": {
        **{"cpu": 8, "memory": "48Gi", "guaranteedCpu": 4, "guaranteedMemory": "40Gi", "gpus": 2},
        **{"nodeSelector": {"pool": "gpu"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]},
    },
}


@pytest.mark.parametrize("size", SIZES)
def test_a_placeholder_holds_what_a_lab_of_its_size_asks_for_where_that_may_run(
    values: dict[str, Path], size: str
) -> None:
    changes = (
        *setting(labs=LABS),
        f"hub.lab.sizes={json.dumps(SIZES)}",
        f'hub.lab.placeholders.counts={{"{size}": 3}}',
    )
    rendered = render(Question(values["minimal"], changes))
    lab = Lab.model_validate(rendered.settings()["hub"]["lab"])
    deployment = rendered.one("Deployment", f"jld-room-{size}")
    spec: Object = deployment["spec"]["template"]["spec"]
    profiles = {each["slug"]: each["kubespawner_override"] for each in size_profiles(lab, Identity(1, 1, (), "", ""))}
    asked = spec["containers"][0]["resources"]["requests"]

    assert deployment["spec"]["replicas"] == 3
    assert parse_cpu(asked["cpu"]) == profiles[size]["cpu_guarantee"]
    assert parse_memory(asked["memory"]) == profiles[size]["mem_guarantee"]
    assert {key: str(value) for key, value in asked.items() if "gpu" in key} == lab_gpus(lab.sizes[size])
    assert spec["nodeSelector"] == node_selector(lab.pod, lab.sizes[size])
    assert spec["tolerations"] == tolerations(lab.pod, lab.sizes[size])


def test_labs_are_of_more_worth_than_placeholders_and_the_cluster_autoscaler_sees_these(
    values: dict[str, Path],
) -> None:
    rendered = render(Question(values["everything"]))
    (own,) = rendered.of_kind("PriorityClass")

    assert own["metadata"]["name"] == "science.jld-placeholder"
    assert -10 <= own["value"] < 0
    assert (own["preemptionPolicy"], own["globalDefault"]) == ("Never", False)
    assert render(Question(values["minimal"])).of_kind("PriorityClass") == []


def test_what_keeps_autoscalers_from_ending_labs_is_not_for_placeholders(values: dict[str, Path]) -> None:
    kept = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
    rendered = render(Question(values["everything"], setting(labs={"annotations": kept})))
    placeholders = [pod for pod in rendered.pods if pod.component.startswith("placeholder-")]

    assert len(placeholders) == 2
    assert all(set(kept.items()).isdisjoint(pod.annotations.items()) for pod in placeholders)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('hub.lab.placeholders.counts={"small": 1}', "hub.lab.sizes.small: `jld values` works out what placeholders"),
        ('hub.lab.placeholders.counts={"none": 1}', "hub.lab.placeholders.counts.none: there is no such size"),
    ],
)
def test_a_template_that_would_have_to_work_out_a_placeholder_says_so(
    values: dict[str, Path], change: str, sentence: str
) -> None:
    assert sentence in refusal(Question(values["minimal"], (change,)))
